#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/commands/commands.h"
#include "io/cli/options/load_contents.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scope_option.h"
#include "io/cli/terminal/progress.h"
#include "io/report/waste/waste_report.h"
#include "io/text/format.h"
#include "io/text/shell_quote.h"
#include "planner/waste/dive_efficiency.h"
#include "planner/waste/waste.h"

namespace gneiss {
namespace {

const std::map<std::string, WasteBy> kTables = {{"kind", WasteBy::kKind},
                                                {"layer", WasteBy::kLayer},
                                                {"image", WasteBy::kImage},
                                                {"repository", WasteBy::kRepository}};

struct WasteOptions {
  FleetOptions fleet;
  ReportOptions report;
  CostOptions cost;
  std::string scope = "global";
  StoreArguments store;
  std::string by = "kind";
  bool dive = false;
  std::int64_t top = 10;
};

// Dive's figures of the images whose layers are all known and can be merged, least efficient first.
std::vector<DiveRow> ComputeDive(const Fleet& fleet, const LayerContents& contents,
                                 const WasteReport& report) {
  std::vector<DiveRow> rows;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    if (!report.images[i].complete || report.images[i].is_windows) continue;
    std::vector<const Inventory*> chain;
    for (const LayerIndex l : fleet.chain(fleet.images[i])) {
      chain.push_back(&*contents.inventories[l]);
    }
    rows.push_back({.image = i, .dive = ComputeDiveEfficiency(chain)});
  }
  std::ranges::stable_sort(rows, {}, [](const DiveRow& row) { return row.dive.efficiency; });
  return rows;
}

// What fills the store that was looked into, for a shell.
std::string ScanCommandFor(const WasteOptions& options) {
  std::string command = "gneiss scan" + StoreWords(options.store);
  for (const std::string& source : options.fleet.sources) command += " " + ShellQuote(source);
  return command;
}

// Throws InputError when a layer has a hard link that no runtime can make.
void ExpectGoodLinks(const Fleet& fleet, const LayerContents& contents, const WasteReport& report) {
  const EntryRef bad = report.overlay_warnings.bad_link;
  if (bad.layer == kNone) return;
  const Inventory& inventory = *contents.inventories[bad.layer];
  const Entry& link = inventory.entries[bad.entry];
  throw InputError(
      fmt::format("{}: entry \"{}\"", fleet.digest_text(fleet.layers[bad.layer]),
                  inventory.path(link)),
      "",
      fmt::format("expected a hard link to a file of this layer or one below, found no "
                  "file \"{}\" there",
                  inventory.link(link)));
}

int RunWaste(const WasteOptions& options, Console& console) {
  const LoadedFleet loaded = LoadFleet(options.fleet, console);
  const Fleet& fleet = loaded.fleet;
  const LayerContents contents = LoadContents(loaded, options.store, options.fleet.quiet, console);
  const bool any_known = std::ranges::any_of(
      contents.inventories, [](const auto& inventory) { return inventory.has_value(); });
  if (!any_known) {
    throw InputError(fmt::format("no contents known of any of {}; run `{}` first",
                                 FormatCounted(std::ssize(fleet.layers), "layer"),
                                 ScanCommandFor(options)));
  }
  CostOptions cost = options.cost;
  cost.scope = *ParseScope(options.scope);
  const CostModel model(fleet, cost);
  const Today today = MakeToday(fleet, model);
  const WasteReport report = FindWaste(fleet, model, today, contents);
  if (options.fleet.strict) ExpectGoodLinks(fleet, contents, report);
  const std::vector<DiveRow> dive =
      options.dive ? ComputeDive(fleet, contents, report) : std::vector<DiveRow>{};
  OutputFile output(options.report.output, console);
  if (options.report.json) {
    WriteWasteJson(fleet, today, contents, report, model, dive, loaded.bad_images, output.stream());
  } else {
    const WasteScreen screen{.style = StyleFor(options.report, output, console),
                             .top = static_cast<std::size_t>(options.top),
                             .by = kTables.at(options.by)};
    PrintWaste(fleet, today, contents, report, model, dive, screen, output.stream());
  }
  output.Finish();
  return loaded.exit_code;
}

}  // namespace

CommandBody ConfigureWaste(CLI::App& app) {
  const auto options = std::make_shared<WasteOptions>();
  AddFleetOptions(app, options->fleet);
  app.get_option("--strict")->description("stop at the first bad image, or hard link to nothing");
  AddStoreOptions(app, options->store);
  app.add_option("--by", options->by,
                 "table above the findings: kind (default), layer, image or repository")
      ->check(OneOf({"kind", "layer", "image", "repository"}))
      ->type_name("WHAT");
  app.add_flag("--dive", options->dive,
               "efficiency and wasted bytes of every image by dive's definition too");
  AddCountOption(app, "--top", options->top,
                 "findings and rows shown, 0 for all (default: 10); JSON has all");
  AddScopeOption(app, options->scope);
  AddReportOptions(app, options->report);
  return [options](Console& console) { return RunWaste(*options, console); };
}

}  // namespace gneiss
