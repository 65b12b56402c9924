#include "io/cli/verify_command.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/load_fleet.h"
#include "io/cli/progress.h"
#include "io/cli/registry_options.h"
#include "io/cli/report_options.h"
#include "io/cli/scan_layers.h"
#include "io/cli/store_options.h"
#include "io/cli/word_choice.h"
#include "io/report/verify_screen.h"
#include "io/store/inventory_store.h"
#include "io/verify/side_reading.h"
#include "io/verify/verify_fleets.h"

namespace gneiss {
namespace {

struct VerifyCommandOptions {
  std::string left;
  std::string right;
  std::string platform;
  StoreArguments store;
  std::string mtime = "exact";
  bool strict = false;
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

SideReading ReadLoaded(const LoadedFleet& loaded, bool check_blobs, InventoryStore& store,
                       const VerifyCommandOptions& options, Console& console) {
  Progress progress(console, options.quiet);
  SideReadingOptions reading;
  reading.scan = MakeScanOptions(options.scan, /*strict=*/false, options.quiet, console, progress);
  reading.scan.rescan = options.store.rescan;
  reading.check_blobs = check_blobs;
  reading.on_check_progress = [&](Bytes bytes_read, Bytes bytes_total) {
    if (!progress.IsDue()) return;
    progress.Show(DescribeReading("blobs", bytes_read, bytes_total, progress.elapsed_seconds()));
  };
  return ReadSide(loaded.fleet, loaded.blobs, store, reading);
}

int ExitCodeOf(const VerifyReport& report, const LoadedFleet& left, const LoadedFleet& right) {
  for (const Verdict verdict : {Verdict::kDifferent, Verdict::kOnlyLeft, Verdict::kOnlyRight}) {
    if (report.count(verdict) > 0) return kPolicyNotMet;
  }
  if (report.count(Verdict::kUnproven) > 0 || left.bad_images > 0 || right.bad_images > 0) {
    return kFailed;
  }
  return kDone;
}

int RunVerify(const VerifyCommandOptions& options, Console& console) {
  if (options.right.empty()) {
    throw UsageError("expected two SOURCEs, what the images were and what they are now");
  }
  InventoryStore store = OpenStore(options.store);
  const LoadedFleet left = LoadSide(options.left, options, console);
  const LoadedFleet right = LoadSide(options.right, options, console);
  // The right side first: what both have is then read where it has to be read anyway.
  SideReading right_reading = ReadLoaded(right, /*check_blobs=*/true, store, options, console);
  SideReading left_reading = ReadLoaded(left, /*check_blobs=*/false, store, options, console);
  VerifyOptions verify;
  verify.jobs = NumJobs(options.scan);
  verify.files.ignore_mtime = options.mtime == "ignore";
  verify.files.max_kept = options.report.json ? 0 : static_cast<std::size_t>(options.top);
  if (options.strict) verify.config = ConfigPart::kWhole;
  if (left.num_selections > 0 && right.num_selections > 0) verify.pair_by = PairBy::kPlatform;
  Progress progress(console, options.quiet);
  const VerifyReport report =
      VerifyFleets({left.fleet, left.blobs, left_reading, left.repositories, left.bad_images},
                   {right.fleet, right.blobs, right_reading, right.repositories, right.bad_images},
                   store, verify, [&](std::size_t done, std::size_t total) {
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
  return ExitCodeOf(report, left, right);
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
  app.add_option("--platform", options->platform, "only images of this platform (default: all)")
      ->type_name("OS/ARCH[/VARIANT]");
  AddStoreOptions(app, options->store);
  app.get_option("--rescan")
      ->description(
          "read all blobs of both sides, whatever the store knows of them, and replace that");
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
