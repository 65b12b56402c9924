#include "io/cli/options/load_fleet.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/options/report_options.h"
#include "io/cli/terminal/progress.h"
#include "io/registry/registry_source.h"
#include "io/source/layout.h"
#include "io/source/source.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "planner/fleet/fleet_builder.h"
#include "planner/fleet/platform.h"

namespace gneiss {
namespace {

constexpr std::size_t kProblemsShown = 10;
constexpr std::size_t kPlatformsNamed = 12;
// Of one line: more is no text of ours, but what an input says.
constexpr std::size_t kMaxSaidColumns = 2000;

// One line of words. The text may quote an input.
void Say(Console& console, std::string_view text) {
  *console.err << "gneiss: " << CutEnd(Printable(text), kMaxSaidColumns) << '\n';
}

class FleetLoader {
 public:
  FleetLoader(const FleetOptions& options, Console& console)
      : options_(options), console_(console), progress_(console, options.quiet) {}

  LoadedFleet Load() {
    const ReadOptions read_options = MakeReadOptions();
    builder_.LimitLayers(options_.max_image_layers);
    ChooseSources();
    ExpectRegistryFor(options_.registry);
    for (const std::string& source : sources_) ReadOne(source, read_options);
    if (progress_.IsDue()) {
      progress_.Show(fmt::format("sorting {}", FormatCounted(builder_.num_images(), "image")));
    }
    const std::int64_t num_images = builder_.num_images();
    LoadedFleet loaded;
    FleetWarnings warnings;
    if (num_images > 0) loaded.fleet = builder_.Build(&warnings);
    progress_.Erase();
    SayProblems(num_images);
    if (!options_.quiet) SayWarnings(warnings);
    if (num_images == 0) throw InputError(WhyNothing());
    JoinDemand(options_.demand, loaded.fleet, options_.quiet, console_);
    loaded.bad_images = report_.num_problems;
    loaded.num_sources = sources_.size();
    loaded.num_selections = static_cast<std::size_t>(report_.num_selections);
    for (const auto& layout : report_.layouts) {
      loaded.blobs.AddLayout(layout);
      if (std::string name = layout->repository(); !name.empty()) {
        loaded.repositories.push_back(std::move(name));
      }
    }
    if (report_.num_problems > 0 && !options_.keep_going) loaded.exit_code = kFailed;
    return loaded;
  }

 private:
  ReadOptions MakeReadOptions() {
    ReadOptions read_options;
    if (!options_.platform.empty()) {
      try {
        read_options.platform = PlatformFilter(options_.platform);
      } catch (const InputError& error) {
        throw UsageError(error.what());
      }
    }
    read_options.strict = options_.strict;
    read_options.on_progress = [this](std::int64_t bytes_read, std::int64_t bytes_total) {
      if (!progress_.IsDue()) return;
      progress_.Show(DescribeReading(reading_, bytes_read, bytes_total,
                                     progress_.elapsed_seconds() - reading_since_));
    };
    return read_options;
  }

  void ChooseSources() {
    for (const std::string& source : options_.sources) {
      if (std::ranges::find(sources_, source) == sources_.end()) {
        sources_.push_back(source);
      } else {
        ++num_repeated_sources_;
      }
    }
  }

  // Patterns and counts of tags are told to registries alone: elsewhere they would do nothing.
  void ExpectRegistryFor(const RegistryArguments& registry) const {
    const auto is_registry = [](const std::string& source) { return IsRegistrySource(source); };
    if (std::ranges::any_of(sources_, is_registry) ||
        std::ranges::any_of(options_.other_sources, is_registry)) {
      return;
    }
    const char* const option = !registry.include.empty()   ? "--include"
                               : !registry.exclude.empty() ? "--exclude"
                               : registry.newest_tags > 0  ? "--newest-tags"
                                                           : nullptr;
    if (option == nullptr) return;
    throw UsageError(fmt::format(
        "{} chooses what is read of registry://HOST, and there is no such source here; leave it "
        "out",
        option));
  }

  void ReadOne(const std::string& source, const ReadOptions& read_options) {
    reading_ = ShownSource(source);
    if (sources_.size() > 1)
      reading_ = fmt::format("{} of {} sources, {}", ++num_begun_, sources_.size(), reading_);
    reading_since_ = progress_.elapsed_seconds();
    const auto read = [&] {
      if (IsRegistrySource(source)) {
        ReadRegistry(source, MakeRegistryReadOptions(options_.registry), read_options, builder_,
                     report_);
      } else {
        ReadSource(source, read_options, builder_, report_);
      }
    };
    if (!options_.keep_going || options_.strict) {
      read();
      return;
    }
    try {
      read();
    } catch (const InputError& error) {
      report_.AddProblem(error, false);
    } catch (const std::system_error& error) {
      report_.AddProblem(InputError(error.what()), false);
    }
  }

  void SayProblems(std::int64_t num_images) {
    const std::size_t shown = std::min(report_.problems.size(), kProblemsShown);
    for (std::size_t i = 0; i < shown; ++i) Say(console_, report_.problems[i].what());
    const auto rest = report_.num_problems - static_cast<std::int64_t>(shown);
    if (rest > 0) Say(console_, fmt::format("[{} more]", FormatCount(rest)));
    if (report_.num_problems == 0 || num_images == 0) return;
    Say(console_,
        fmt::format("{} left out of this report{}",
                    FormatCounted(report_.num_problems, "bad entry is", "bad entries are"),
                    options_.keep_going ? "" : "; --keep-going makes the exit code 0"));
  }

  void SayWarnings(const FleetWarnings& warnings) {
    if (num_repeated_sources_ > 0) {
      Say(console_,
          fmt::format("{} given again, read once", FormatCounted(num_repeated_sources_, "source")));
    }
    for (const auto& [kind, count] : report_.skipped) {
      Say(console_, fmt::format("{} skipped", FormatCounted(count, kind)));
    }
    for (const auto& [kind, warning] : report_.warnings) {
      Say(console_, warning.count == 1 ? fmt::format("warning: {}: {}", warning.first, kind)
                                       : fmt::format("warning: {}: {} ({} in all)", warning.first,
                                                     kind, FormatCounted(warning.count, "time")));
    }
    const auto warn = [&](std::int64_t count, std::string_view singular, std::string_view plural,
                          std::string_view what) {
      if (count == 0) return;
      Say(console_, fmt::format("warning: {} {}", FormatCounted(count, singular, plural), what));
    };
    warn(warnings.twin_diff_ids, "layer", "layers",
         "with two diff_ids for one digest, the smaller is kept");
    warn(warnings.empty_chains, "image", "images", "without layers");
    warn(warnings.repeated_layers, "image", "images", "with one layer more than once, stored once");
    warn(warnings.several_platforms, "line", "lines",
         "with a second platform for one manifest, the smaller is kept");
    warn(warnings.unverifiable, "layer", "layers",
         "with a digest that is no sha256, not verifiable");
    warn(warnings.images_without_pool, "image", "images", "without a pool while others have one");
  }

  // Why there is no image: nothing offered, all bad, or the wrong platform.
  std::string WhyNothing() const {
    if (report_.filtered_out > 0) {
      const std::string others = DescribeUnfiltered();
      return fmt::format("--platform {} matches none of {}", options_.platform,
                         others.empty() ? FormatCounted(report_.filtered_out, "line") : others);
    }
    if (report_.num_problems > 0) {
      return fmt::format("no image left: {}",
                         FormatCounted(report_.num_problems, "entry is bad", "entries are bad"));
    }
    return fmt::format("no image in {}", fmt::join(sources_, ", "));
  }

  // "the 976 images; platforms here: linux/amd64, ...". Reading does not keep what it filters out,
  // so this reads once more; empty for pipes, which cannot be.
  std::string DescribeUnfiltered() const {
    FleetBuilder builder;
    ReadReport report;
    for (const std::string& source : sources_) {
      if (!IsReadableAgain(source)) return "";
      try {
        ReadSource(source, {}, builder, report);
      } catch (const std::exception&) {
        // Said already, by the first reading.
      }
    }
    const Fleet fleet = builder.Build();
    std::map<std::string_view, std::int64_t> images;
    for (const Image& image : fleet.images) ++images[fleet.text(image.platform)];
    std::vector<std::pair<std::string_view, std::int64_t>> most(images.begin(), images.end());
    std::ranges::stable_sort(most, std::greater{},
                             &std::pair<std::string_view, std::int64_t>::second);
    std::string text =
        fmt::format("the {}; platforms here: ", FormatCounted(std::ssize(fleet.images), "image"));
    for (std::size_t i = 0; i < std::min(most.size(), kPlatformsNamed); ++i) {
      if (i > 0) text += ", ";
      text += most[i].first.empty() ? "(unknown)" : most[i].first;
    }
    if (most.size() > kPlatformsNamed) {
      text += fmt::format(" and {} more", most.size() - kPlatformsNamed);
    }
    return text;
  }

  static bool IsReadableAgain(std::string_view source) {
    if (IsRegistrySource(source)) return false;
    if (source.starts_with("fleet:")) source.remove_prefix(6);
    std::error_code ignored;
    const auto type = std::filesystem::status(source, ignored).type();
    return type != std::filesystem::file_type::fifo &&
           type != std::filesystem::file_type::character;
  }

  const FleetOptions& options_;
  Console& console_;
  Progress progress_;
  std::vector<std::string> sources_;
  std::int64_t num_repeated_sources_ = 0;
  std::size_t num_begun_ = 0;
  std::string reading_;
  double reading_since_ = 0;
  FleetBuilder builder_;
  ReadReport report_;
};

}  // namespace

void AddFleetOptions(CLI::App& app, FleetOptions& options) {
  app.add_option("source", options.sources,
                 "fleet:FILE, oci:DIR[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF], "
                 "dir:DIR, registry-fs:DIR[:REF], a path to any of these, "
                 "docker://HOST/REPO[:TAG|@DIGEST], or registry://HOST[/PREFIX]")
      ->required()
      ->type_name("SOURCE...");
  AddFleetRules(app, options);
}

void AddFleetRules(CLI::App& app, FleetOptions& options) {
  app.add_option("--platform", options.platform, "only images of this platform (default: all)")
      ->type_name("OS/ARCH[/VARIANT]");
  CLI::Option* strict =
      app.add_flag("--strict", options.strict,
                   "stop at the first bad image, also one whose documents break the image spec");
  app.add_flag("--keep-going", options.keep_going,
               "exit code 0 although images or sources were bad and left out")
      ->excludes(strict);
  AddCountOption(app, "--max-image-layers", options.max_image_layers,
                 "images with more layers are bad ones (default: 500)", 1);
  app.add_flag("--quiet", options.quiet, "no progress and no warnings; errors only");
  AddRegistryOptions(app, options.registry);
}

LoadedFleet LoadFleet(const FleetOptions& options, Console& console) {
  return FleetLoader(options, console).Load();
}

}  // namespace gneiss
