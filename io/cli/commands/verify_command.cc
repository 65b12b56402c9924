#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/apply/side_reading.h"
#include "io/apply/verify_fleets.h"
#include "io/cli/commands/commands.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/registry_options.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scan_layers.h"
#include "io/cli/options/scope_option.h"
#include "io/cli/terminal/progress.h"
#include "io/report/plan/verify_screen.h"
#include "io/store/inventory_store.h"
#include "io/text/screen_text.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

struct VerifyCommandOptions {
  std::string left;
  std::string right;
  std::string platform;
  StoreArguments store;
  std::string mtime = "exact";
  bool strict = false;
  bool keep_going = false;
  bool quiet = false;
  ScanArguments scan;
  RegistryArguments registry;
  std::int64_t top = 10;
  ReportOptions report;
};

LoadedFleet LoadSide(const std::string& source, const VerifyCommandOptions& options,
                     Console& console) {
  return LoadFleet({.sources = {source},
                    .other_sources = {options.left, options.right},
                    .platform = options.platform,
                    .quiet = options.quiet,
                    .demand = {},
                    .registry = options.registry},
                   console);
}

SideReading ReadLoaded(const LoadedFleet& loaded, const SideLayers& layers, InventoryStore& store,
                       const VerifyCommandOptions& options, Console& console) {
  Progress progress(console, options.quiet);
  SideReadingOptions reading;
  reading.scan = MakeScanOptions(options.scan, /*strict=*/false, options.quiet, console, progress);
  reading.trusts_store = options.store.trusts;
  reading.on_check_progress = [&](Bytes bytes_read, Bytes bytes_total) {
    if (!progress.IsDue()) return;
    progress.Show(DescribeReading("blobs", bytes_read, bytes_total, progress.elapsed_seconds()));
  };
  return ReadSide(loaded.fleet, loaded.blobs, store, layers, reading);
}

// A record that cannot be read explains nothing: what is missing then counts as missing.
std::vector<ExcusedImage> LoadLeftOut(const LoadedFleet& loaded, bool quiet, Console& console) {
  const auto warn = [&](std::string_view problem) {
    if (!quiet) *console.err << "gneiss: " << Printable(problem) << '\n';
  };
  try {
    return ReadLeftOut(loaded.blobs);
  } catch (const InputError& error) {
    warn(error.what());
  } catch (const std::system_error& error) {
    warn(error.what());  // names the file
  }
  return {};
}

int ExitCodeOf(const VerifyReport& report, bool keep_going, const LoadedFleet& left,
               const LoadedFleet& right) {
  for (const Verdict verdict : {Verdict::kDifferent, Verdict::kOnlyLeft, Verdict::kOnlyRight}) {
    if (report.count(verdict) > 0) return kPolicyNotMet;
  }
  if (report.count(Verdict::kUnproven) > 0) return kFailed;
  const bool is_whole =
      left.bad_images == 0 && right.bad_images == 0 && report.count(Verdict::kLeftOut) == 0;
  return is_whole || keep_going ? kDone : kFailed;
}

int RunVerify(const VerifyCommandOptions& options, Console& console) {
  if (options.right.empty()) {
    throw UsageError("expected two SOURCEs, what the images were and what they are now");
  }
  if (options.store.trusts && options.store.rescan) {
    throw UsageError("expected either --trust-store or --rescan, found both");
  }
  InventoryStore store = OpenStore(options.store);
  const LoadedFleet left = LoadSide(options.left, options, console);
  const LoadedFleet right = LoadSide(options.right, options, console);
  VerifyOptions verify;
  verify.jobs = NumJobs(options.scan);
  verify.trusts_store = options.store.trusts;
  verify.reads_all = options.store.rescan;
  verify.files.ignore_mtime = options.mtime == "ignore";
  verify.files.max_kept = options.report.json ? 0 : static_cast<std::size_t>(options.top);
  if (options.strict) verify.config = ConfigPart::kWhole;
  if (left.num_selections > 0 && right.num_selections > 0) verify.pair_by = PairBy::kPlatform;
  const VerifySide left_side{left.fleet, left.blobs, left.repositories, left.bad_images};
  const VerifySide right_side{right.fleet, right.blobs, right.repositories, right.bad_images,
                              LoadLeftOut(right, options.quiet, console)};
  PairedSides paired = PairSides(left_side, right_side, verify);
  SideReading right_reading = ReadLoaded(right, paired.right, store, options, console);
  SideReading left_reading = ReadLoaded(left, paired.left, store, options, console);
  Progress progress(console, options.quiet);
  const VerifyReport report =
      VerifyFleets(left_side, right_side, std::move(paired), {left_reading, right_reading}, store,
                   verify, [&](std::size_t done, std::size_t total) {
                     if (progress.IsDue())
                       progress.Show(fmt::format("comparing images: {} of {}", done, total));
                   });
  progress.Erase();
  OutputFile output(options.report.output, console);
  if (options.report.json) {
    WriteVerifyJson(left.fleet, right.fleet, left.bad_images, right.bad_images, report, verify,
                    output.stream());
  } else {
    PrintVerify(left.fleet, right.fleet, {options.left, options.right}, report, verify,
                StyleFor(options.report, output, console), static_cast<std::size_t>(options.top),
                output.stream());
  }
  output.Finish();
  return ExitCodeOf(report, options.keep_going, left, right);
}

}  // namespace

CommandBody ConfigureVerify(CLI::App& app) {
  const auto options = std::make_shared<VerifyCommandOptions>();
  app.add_option("left", options->left, "what the images were: a SOURCE as every command takes it")
      ->type_name("SOURCE");
  app.add_option("right", options->right,
                 "what they are now; two sources with a :REF each are two images to compare, "
                 "whatever they are called")
      ->type_name("SOURCE");
  app.add_option("--mtime", options->mtime, "exact (default), or ignore: times may differ")
      ->check(OneOf({"exact", "ignore"}))
      ->type_name("RULE");
  app.add_flag("--strict", options->strict,
               "compare all of the configs, with rootfs, history and times");
  app.add_flag(
      "--keep-going", options->keep_going,
      "images that apply left out, and entries that cannot be read, do not make the exit code 1");
  app.add_option("--platform", options->platform, "only images of this platform (default: all)")
      ->type_name("OS/ARCH[/VARIANT]");
  AddStoreOptions(app, options->store);
  app.get_option("--trust-store")
      ->description(
          "take contents of layers from the store, which others may have written; faster, and said "
          "with the verdict");
  app.get_option("--rescan")
      ->description("read all blobs of both sides, those of the same layers too");
  AddJobsOption(app, options->scan, "layers and images looked at at once");
  AddCountOption(app, "--top", options->top,
                 "differences of each image, 0 for all (default: 10); JSON has all");
  app.add_flag("--quiet", options->quiet, "no progress and no warnings; errors only");
  AddReportOptions(app, options->report);
  AddLimitOptions(app, options->scan.limits);
  AddRegistryOptions(app, options->registry);
  return [options](Console& console) { return RunVerify(*options, console); };
}

}  // namespace gneiss
