#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "io/cli/commands/commands.h"
#include "io/cli/options/load_contents.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/ref_patterns.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scope_option.h"
#include "io/report/fleet/history_screen.h"
#include "planner/waste/image_history.h"

namespace gneiss {
namespace {

struct HistoryOptions {
  FleetOptions fleet;
  ReportOptions report;
  std::string image;
  std::string scope = "global";
  StoreArguments store;
};

int RunHistory(const HistoryOptions& options, Console& console) {
  const LoadedFleet loaded = LoadFleet(options.fleet, console);
  const Fleet& fleet = loaded.fleet;
  const ImageIndex image = FindImage(fleet, options.image);
  const LayerContents contents = LoadContents(loaded, options.store, options.fleet.quiet, console);
  const CostModel model(fleet, {.scope = *ParseScope(options.scope)});
  const Today today = MakeToday(fleet, model);
  const WasteReport waste = FindWaste(fleet, model, today, contents);
  const ImageHistory history = MakeImageHistory(fleet, today, contents, waste, image);
  OutputFile output(options.report.output, console);
  if (options.report.json) {
    WriteHistoryJson(fleet, contents, history, output.stream());
  } else {
    PrintHistory(fleet, contents, history, StyleFor(options.report, output, console),
                 output.stream());
  }
  output.Finish();
  return loaded.exit_code;
}

}  // namespace

CommandBody ConfigureHistory(CLI::App& app) {
  const auto options = std::make_shared<HistoryOptions>();
  app.add_option("image", options->image,
                 "a ref, or a digest of manifest or config (six digits are enough)")
      ->required()
      ->type_name("IMAGE");
  AddFleetOptions(app, options->fleet);
  AddStoreOptions(app, options->store);
  AddScopeOption(app, options->scope);
  AddReportOptions(app, options->report);
  return [options](Console& console) { return RunHistory(*options, console); };
}

}  // namespace gneiss
