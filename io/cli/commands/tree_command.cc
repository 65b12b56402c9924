#include <cstddef>
#include <cstdint>
#include <memory>

#include <CLI/CLI.hpp>

#include "io/cli/commands/commands.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/report_options.h"
#include "io/report/fleet/tree_report.h"

namespace gneiss {
namespace {

struct TreeOptions {
  FleetOptions fleet;
  ReportOptions report;
  std::int64_t top = 30;
  std::int64_t depth = 0;
  Bytes min_size = 0;
  bool unfold = false;
};

int RunTree(const TreeOptions& options, Console& console) {
  const LoadedFleet loaded = LoadFleet(options.fleet, console);
  const TreeLimits limits{.top = static_cast<std::size_t>(options.top),
                          .depth = options.depth,
                          .min_size = options.min_size,
                          .fold = !options.unfold};
  const TreeReport report = MakeTreeReport(loaded.fleet, limits);
  OutputFile output(options.report.output, console);
  if (options.report.json) {
    WriteTreeJson(loaded.fleet, report, limits, output.stream());
  } else {
    PrintTree(loaded.fleet, report, StyleFor(options.report, output, console), output.stream());
  }
  output.Finish();
  return loaded.exit_code;
}

}  // namespace

CommandBody ConfigureTree(CLI::App& app) {
  const auto options = std::make_shared<TreeOptions>();
  AddFleetOptions(app, options->fleet);
  AddCountOption(app, "--top", options->top,
                 "branches listed, heaviest first, 0 for all (default: 30); JSON has all");
  AddCountOption(app, "--depth", options->depth, "layers from the root, 0 for all (default: 0)");
  AddSizeOption(app, "--min-size", options->min_size,
                "only branches of this size, all below them counted");
  app.add_flag("--unfold", options->unfold, "a line for every layer, also where nothing branches");
  AddReportOptions(app, options->report);
  return [options](Console& console) { return RunTree(*options, console); };
}

}  // namespace gneiss
