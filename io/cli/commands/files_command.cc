#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/commands/commands.h"
#include "io/cli/options/load_contents.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/ref_patterns.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scan_layers.h"
#include "io/cli/options/scope_option.h"
#include "io/report/fleet/files_report.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "io/text/shell_quote.h"
#include "io/text/suggestion.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::size_t kLayerProblemsShown = 10;
constexpr std::size_t kMaxPathsCompared = 20'000;  // paths that a typing error is compared with

const std::map<std::string, FilesOrder> kOrders = {{"path", FilesOrder::kPath},
                                                   {"size", FilesOrder::kSize}};

struct FilesOptions {
  FleetOptions fleet;
  ReportOptions report;
  ScanArguments scan;
  std::string image;
  bool all = false;
  StoreArguments store;
  std::int64_t layer = 0;
  bool hidden = false;
  std::vector<std::string> paths;
  std::string sort = "path";
  std::int64_t top = 0;
  std::string format = "text";
};

// With --all there is no IMAGE, and the first argument is a SOURCE.
void SettleArguments(FilesOptions& options) {
  if (options.report.json) options.format = "json";
  if (options.all) {
    auto& sources = options.fleet.sources;
    if (!options.image.empty()) sources.insert(sources.begin(), options.image);
    options.image.clear();
    if (options.layer > 0) throw UsageError("--layer is of one image: leave out --all");
    if (options.format == "mtree") {
      throw UsageError("--all writes JSON, one image a line: leave out --format mtree");
    }
  } else if (options.image.empty()) {
    throw UsageError("expected IMAGE");
  }
  if (options.fleet.sources.empty()) throw UsageError("expected at least one SOURCE");
  if (options.format == "mtree" && (options.hidden || options.layer > 0)) {
    throw UsageError(
        "--format mtree is of what the whole image shows: leave out --hidden and "
        "--layer");
  }
}

class FilesRun {
 public:
  FilesRun(const FilesOptions& options, Console& console)
      : options_(options), console_(console), paths_(options.paths) {}

  int Run() {
    const LoadedFleet loaded = LoadFleet(options_.fleet, console_);
    fleet_ = &loaded.fleet;
    if (options_.all) {
      for (ImageIndex i = 0; i < fleet_->images.size(); ++i) images_.push_back(i);
    } else {
      images_ = {FindImage(*fleet_, options_.image)};
    }
    const std::vector<LayerIndex> layers = LayersToRead();
    LayerContents contents(fleet_->layers.size());
    if (!layers.empty()) {
      contents = LoadContents(loaded, options_.store, options_.fleet.quiet, console_,
                              NoStore::kIsEmpty, layers);
      problems_ = ScanMissing(loaded, options_.store, layers, options_.scan, options_.fleet.strict,
                              options_.fleet.quiet, console_, contents);
    }
    const int code = options_.all ? WriteAll(contents) : WriteOne(contents);
    return code == kDone ? loaded.exit_code : code;
  }

 private:
  bool IsWindows(ImageIndex image) const {
    return fleet_->text(fleet_->images[image].platform).starts_with("windows/");
  }

  std::vector<LayerIndex> LayersToRead() const {
    std::vector<LayerIndex> layers;
    for (const ImageIndex i : images_) {
      if (IsWindows(i)) continue;
      const auto chain = fleet_->chain(fleet_->images[i]);
      layers.insert(layers.end(), chain.begin(), chain.end());
    }
    std::ranges::sort(layers);
    const auto again = std::ranges::unique(layers);
    layers.erase(again.begin(), again.end());
    return layers;
  }

  // Why the files of an image cannot be told; empty when they can.
  std::string FindProblem(ImageIndex index, const LayerContents& contents) const {
    const Image& image = fleet_->images[index];
    if (IsWindows(index)) {
      return fmt::format(
          "{} is an image of Windows, whose layers are no file trees that can be merged: expected "
          "one of another platform, found {}",
          fleet_->name(image), fleet_->text(image.platform));
    }
    const auto chain = fleet_->chain(image);
    if (const auto place = contents.FindMisread(chain)) {
      return fmt::format(
          "{}: layer {} of {}, {}, is the lowest of one image and not of another, and means "
          "something else there: give a source that has this image alone",
          fleet_->name(image), *place + 1, chain.size(),
          fleet_->digest_text(fleet_->layers[chain[*place]]));
    }
    for (std::size_t p = 0; p < chain.size(); ++p) {
      const auto problem = problems_.find(chain[p]);
      if (problem == problems_.end()) continue;
      return fmt::format("{}: the contents of layer {} of {}, {}, are not known: {}",
                         fleet_->name(image), p + 1, chain.size(),
                         fleet_->digest_text(fleet_->layers[chain[p]]), problem->second);
    }
    return "";
  }

  int WriteOne(const LayerContents& contents) {
    const ImageIndex image = images_.front();
    if (const std::string problem = FindProblem(image, contents); !problem.empty()) {
      throw InputError(problem);
    }
    const std::uint32_t num_layers = fleet_->images[image].num_layers;
    if (options_.layer > num_layers) {
      throw InputError(fmt::format("{}: expected --layer from 1 to {}, found {}",
                                   fleet_->name(fleet_->images[image]), num_layers,
                                   options_.layer));
    }
    FileMerger merger(contents);
    const auto layer = static_cast<std::uint32_t>(options_.layer);
    if (options_.hidden) {
      WriteHidden(contents, MakeHiddenReport(*fleet_, contents, image, layer, merger, paths_));
      return kDone;
    }
    const FilesReport report = MakeFilesReport(*fleet_, contents, image, layer, merger, paths_);
    // What a layer does to some path may well be nothing.
    if (layer == 0 && !paths_.unmatched().empty()) {
      ExpectPathsMatch(merger.Merge(fleet_->chain(fleet_->images[image])));
    }
    SayLinksToNothing(report);
    OutputFile output(options_.report.output, console_);
    if (options_.format == "json") {
      WriteFilesJson(*fleet_, contents, report, JsonForm::kIndented, output.stream());
    } else if (options_.format == "mtree") {
      WriteFilesMtree(contents, report, output.stream());
    } else {
      PrintFiles(*fleet_, contents, report, ScreenFor(output), output.stream());
    }
    output.Finish();
    return kDone;
  }

  void WriteHidden(const LayerContents& contents, const HiddenReport& report) {
    OutputFile output(options_.report.output, console_);
    if (options_.format == "json") {
      WriteHiddenJson(*fleet_, contents, report, JsonForm::kIndented, output.stream());
    } else {
      PrintHidden(*fleet_, contents, report, ScreenFor(output), output.stream());
    }
    output.Finish();
  }

  int WriteAll(const LayerContents& contents) {
    OutputFile output(options_.report.output, console_);
    FileMerger merger(contents);
    std::size_t num_left_out = 0;
    for (const ImageIndex image : images_) {
      if (const std::string problem = FindProblem(image, contents); !problem.empty()) {
        if (num_left_out++ < kLayerProblemsShown) Say(problem);
        continue;
      }
      if (options_.hidden) {
        WriteHiddenJson(*fleet_, contents,
                        MakeHiddenReport(*fleet_, contents, image, 0, merger, paths_),
                        JsonForm::kOneLine, output.stream());
        continue;
      }
      const FilesReport report = MakeFilesReport(*fleet_, contents, image, 0, merger, paths_);
      SayLinksToNothing(report);
      WriteFilesJson(*fleet_, contents, report, JsonForm::kOneLine, output.stream());
    }
    if (num_left_out > kLayerProblemsShown) {
      Say(fmt::format("[{} more]",
                      FormatCount(static_cast<std::int64_t>(num_left_out - kLayerProblemsShown))));
    }
    if (num_left_out > 0) {
      Say(fmt::format(
          "{} left out{}",
          FormatCounted(static_cast<std::int64_t>(num_left_out), "image is", "images are"),
          options_.fleet.keep_going ? "" : "; --keep-going makes the exit code 0"));
    }
    if (num_left_out < images_.size() && !options_.hidden) ExpectPathsMatch({});
    output.Finish();
    return num_left_out > 0 && !options_.fleet.keep_going ? kFailed : kDone;
  }

  // Throws InputError for the first --path that has matched nothing; `files` are those of the image
  // that it may have meant, if that is one.
  void ExpectPathsMatch(const std::vector<MergedFile>& files) const {
    const std::string_view unmatched = paths_.unmatched();
    if (unmatched.empty()) return;
    std::vector<std::string> keys;
    for (const MergedFile& file : files) {
      if (keys.size() < kMaxPathsCompared) keys.push_back(file.path);
    }
    const std::string nearest = NearestWord(unmatched, keys);
    throw InputError(fmt::format(
        "--path {} matches no path{}; {}", ShellQuote(unmatched),
        options_.all ? "" : fmt::format(" of {}", fleet_->name(fleet_->images[images_.front()])),
        nearest.empty()
            ? "expected a path from the root, or a shell pattern over whole paths, such "
              "as 'etc/*.conf'"
            : fmt::format("did you mean {}?", ShellQuote(nearest))));
  }

  void SayLinksToNothing(const FilesReport& report) const {
    if (report.num_links_to_nothing == 0 || options_.fleet.quiet) return;
    Say(fmt::format("warning: {}: {} to nothing, shown as empty files; no runtime unpacks them",
                    fleet_->name(fleet_->images[report.image]),
                    FormatCounted(report.num_links_to_nothing, "hard link")));
  }

  FilesScreen ScreenFor(const OutputFile& output) const {
    return {.style = StyleFor(options_.report, output, console_),
            .order = kOrders.at(options_.sort),
            .top = static_cast<std::size_t>(options_.top)};
  }

  void Say(std::string_view text) const { *console_.err << "gneiss: " << Printable(text) << '\n'; }

  const FilesOptions& options_;
  Console& console_;
  PathSelection paths_;
  const Fleet* fleet_ = nullptr;
  std::vector<ImageIndex> images_;
  std::map<LayerIndex, std::string> problems_;
};

}  // namespace

CommandBody ConfigureFiles(CLI::App& app) {
  const auto options = std::make_shared<FilesOptions>();
  app.add_option(
         "image", options->image,
         "a ref, or a digest of manifest or config (six digits are enough); none with --all")
      ->type_name("IMAGE");
  AddFleetOptions(app, options->fleet);
  app.get_option("source")->required(false);  // the first one may have been taken for IMAGE
  app.get_option("--strict")
      ->description("stop at the first bad image, and refuse what a layer's scan would mend");
  app.get_option("--keep-going")
      ->description("exit code 0 although images or sources were bad and left out");
  app.add_flag("--all", options->all, "every image: JSON, one image a line");
  AddCountOption(app, "--layer", options->layer,
                 "what this layer adds, changes and removes; 1 is the base", 1);
  app.add_flag("--hidden", options->hidden,
               "what is not seen instead: deleted, replaced or written again, and by which layer");
  app.add_option(
         "--path", options->paths,
         "only paths that match this shell pattern as a whole, or a directory and all below "
         "it; may be given again")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  app.add_option("--sort", options->sort, "path (default), or size: the largest first")
      ->check(OneOf({"path", "size"}))
      ->type_name("ORDER");
  AddCountOption(app, "--top", options->top,
                 "rows shown, 0 for all (default: 0); JSON and mtree have all, by path");
  CLI::Option* const format =
      app.add_option("--format", options->format,
                     "text (default), json, or mtree for mtree(8) and bsdtar")
          ->check(OneOf({"text", "json", "mtree"}))
          ->type_name("FORMAT");
  AddStoreOptions(app, options->store);
  AddJobsOption(app, options->scan, "layers scanned at once, of those that the store lacks");
  AddReportOptions(app, options->report);
  app.get_option("--json")->excludes(format);
  AddLimitOptions(app, options->scan.limits);
  return [options](Console& console) {
    SettleArguments(*options);
    return FilesRun(*options, console).Run();
  };
}

}  // namespace gneiss
