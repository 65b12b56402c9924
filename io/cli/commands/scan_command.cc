#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/commands/commands.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scan_layers.h"
#include "io/cli/terminal/progress.h"
#include "io/report/fleet/scan_report.h"
#include "io/scan/scan_fleet.h"
#include "io/scan/scan_layer.h"
#include "io/store/inventory_store.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

struct ScanCommandOptions {
  FleetOptions fleet;
  ReportOptions report;
  ScanArguments scan;
  StoreArguments store;
  std::int64_t top = 10;
};

FleetScan RunScanner(const ScanCommandOptions& options, const LoadedFleet& loaded,
                     InventoryStore& store, Console& console) {
  Progress progress(console, options.fleet.quiet);
  FleetScanOptions scan =
      MakeScanOptions(options.scan, options.fleet.strict, options.fleet.quiet, console, progress);
  scan.rescan = options.store.rescan;
  return ScanFleet(loaded.fleet, loaded.blobs, store, ScanLayer, scan);
}

void SayWhatIsOdd(const ScanReport& report, const std::string& directory,
                  const ScanCommandOptions& options, Console& console) {
  const auto say = [&](std::string_view text) {
    *console.err << "gneiss: " << Printable(text) << '\n';
  };
  if (report.num_doubted > 0 && !options.fleet.quiet) {
    say(fmt::format("{} in {} {} not believed: {}; scanned anew where a source has the blob{}",
                    FormatCounted(report.num_doubted, "inventory", "inventories"), directory,
                    report.num_doubted == 1 ? "is" : "are", report.first_doubt,
                    options.store.key_file.empty() ? "; --trust-store takes them" : ""));
  }
  if (report.num_trusted > 0 && !options.fleet.quiet) {
    say(fmt::format("contents of {} as {} has them, which others could have written",
                    FormatCounted(report.num_trusted, "layer"), directory));
  }
  if (report.num_damaged > 0 && !options.fleet.quiet) {
    say(fmt::format("warning: {}{}", report.first_damage,
                    report.num_damaged == 1
                        ? std::string()
                        : fmt::format(" ({} in all)", FormatCounted(report.num_damaged, "inventory",
                                                                    "inventories"))));
  }
  if (!report.no_blobs.empty() && !options.fleet.quiet) {
    say(fmt::format("warning: no source has the {} of {}; the report names {}",
                    report.no_blobs.size() == 1 ? "blob" : "blobs",
                    FormatCounted(std::ssize(report.no_blobs), "layer"),
                    report.no_blobs.size() == 1 ? "it" : "them"));
  }
  if (!report.bad.empty()) {
    say(fmt::format(
        "{}{}", FormatCounted(std::ssize(report.bad), "bad layer is", "bad layers are"),
        options.fleet.keep_going ? " left out" : " left out; --keep-going makes the exit code 0"));
  }
}

int RunScan(const ScanCommandOptions& options, Console& console) {
  InventoryStore store = OpenStore(options.store);
  const LoadedFleet loaded = LoadFleet(options.fleet, console);
  const FleetScan scan = RunScanner(options, loaded, store, console);
  const ScanReport report = MakeScanReport(loaded.fleet, scan);
  OutputFile output(options.report.output, console);
  if (options.report.json) {
    WriteScanJson(loaded.fleet, scan, report, loaded.bad_images, output.stream());
  } else {
    PrintScan(loaded.fleet, scan, report, StyleFor(options.report, output, console),
              static_cast<std::size_t>(options.top), output.stream());
  }
  output.Finish();
  SayWhatIsOdd(report, store.directory(), options, console);
  if (!report.bad.empty() && !options.fleet.keep_going) return kFailed;
  return loaded.exit_code;
}

}  // namespace

CommandBody ConfigureScan(CLI::App& app) {
  const auto options = std::make_shared<ScanCommandOptions>();
  AddFleetOptions(app, options->fleet);
  app.get_option("--strict")
      ->description(
          "stop at the first bad image, and refuse what a layer's scan would mend with a warning");
  app.get_option("--keep-going")
      ->description("exit code 0 although images, sources or layers were bad and left out");
  AddStoreOptions(app, options->store);
  AddJobsOption(app, options->scan, "layers scanned at once");
  AddCountOption(app, "--top", options->top,
                 "rows of each list, 0 for all (default: 10); JSON has all");
  AddReportOptions(app, options->report);
  AddLimitOptions(app, options->scan.limits);
  return [options](Console& console) { return RunScan(*options, console); };
}

}  // namespace gneiss
