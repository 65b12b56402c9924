#include "io/cli/plan_command.h"

#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/load_contents.h"
#include "io/cli/load_fleet.h"
#include "io/cli/output_file.h"
#include "io/cli/progress.h"
#include "io/cli/report_options.h"
#include "io/cli/scope_option.h"
#include "io/report/format.h"
#include "io/report/plan_json.h"
#include "io/report/plan_screen.h"
#include "planner/accounting.h"
#include "planner/plan.h"

namespace gneiss {
namespace {

// Fleets of this size or more take longer than a second.
constexpr std::size_t kManyImages = 20'000;

struct PlanCommandOptions {
  FleetOptions fleet;
  ReportOptions report;
  PlanOptions plan;
  std::string scope = "global";
  std::string level = "squash";
  std::string store;
  bool no_contents = false;
  bool layers_only = false;
  std::size_t top = 5;
};

std::string CheckLevel(const std::string& text) {
  if (text == "squash" || text == "all") return "";
  if (text == "bases" || text == "carve") {
    return fmt::format("this version plans the squash level only, found \"{}\"", text);
  }
  return fmt::format("expected squash or all, found \"{}\"", text);
}

// Weights and counts; what is no number at all CLI11 has refused already.
std::string CheckCount(const std::string& text) {
  const double value = std::strtod(text.c_str(), nullptr);
  if (std::isfinite(value) && value >= 0) return "";
  return fmt::format("expected a finite number of 0 or more, found \"{}\"", text);
}

int RunPlan(const PlanCommandOptions& options, Console& console) {
  const LoadedFleet loaded = LoadFleet(options.fleet, console);
  PlanOptions plan_options = options.plan;
  plan_options.cost.scope = *ParseScope(options.scope);
  Progress progress(console, options.fleet.quiet);
  const std::string who =
      FormatCounted(static_cast<std::int64_t>(loaded.fleet.images.size()), "image");
  // A stage cannot say how far it is; on a fleet that takes seconds it is named as it begins.
  const auto show = [&](std::string_view stage) {
    if (loaded.fleet.images.size() >= kManyImages) {
      progress.Show(fmt::format("planning {}: {}", who, stage));
    }
  };
  plan_options.on_stage = show;
  show("sharing graph");
  FleetTotals totals;
  {
    const ImageGroups cells = ScopeCells(loaded.fleet, plan_options.cost.scope);
    totals = AccountFor(loaded.fleet, BuildSharingGraph(loaded.fleet, cells, options.layers_only))
                 .totals;
  }
  std::optional<LayerContents> contents;
  if (!options.no_contents) {
    show("contents");
    contents = LoadContents(loaded, options.store, options.fleet.quiet, console, NoStore::kIsEmpty);
  }
  const Plan plan = MakePlan(loaded.fleet, plan_options, contents ? &*contents : nullptr);
  show("writing");

  // -o keeps the plan itself, for `apply` and for other programs; the screen still tells what it
  // says.
  if (!options.report.output.empty()) {
    OutputFile file(options.report.output, console);
    const bool is_console = file.is_console();
    WritePlanJson(loaded.fleet, totals, plan, loaded.bad_images, file.stream());
    file.Finish();
    if (is_console) return loaded.exit_code;
  }
  progress.Erase();
  OutputFile output("", console);
  if (options.report.json) {
    WritePlanJson(loaded.fleet, totals, plan, loaded.bad_images, output.stream());
  } else {
    const PlanScreen screen{.style = StyleFor(options.report, output, console), .top = options.top};
    PrintPlan(loaded.fleet, totals, plan, screen, output.stream());
  }
  output.Finish();
  return loaded.exit_code;
}

}  // namespace

CommandBody ConfigurePlan(CLI::App& app) {
  const auto options = std::make_shared<PlanCommandOptions>();
  AddFleetOptions(app, options->fleet);
  CostOptions& cost = options->plan.cost;
  SquashOptions& squash = options->plan.squash;
  app.add_option("--level", options->level, "squash (default) or all levels there are")
      ->check(CheckLevel)
      ->type_name("LEVEL");
  CLI::Option* const storage_weight =
      app.add_option("--storage-weight", cost.storage_weight, "cost of a byte stored (default: 1)")
          ->check(CheckCount)
          ->type_name("X");
  CLI::Option* const transfer_weight = app.add_option("--transfer-weight", cost.transfer_weight,
                                                      "cost of a byte fetched (default: 1)")
                                           ->check(CheckCount)
                                           ->type_name("X");
  for (const auto& [name, price, what] :
       {std::tuple("--storage-price", &cost.storage_price, "price of a GB stored"),
        std::tuple("--transfer-price", &cost.transfer_price, "price of a GB fetched")}) {
    app.add_option(name, *price, fmt::format("{}; replaces both weights", what))
        ->check(CheckCount)
        ->type_name("X")
        ->excludes(storage_weight)
        ->excludes(transfer_weight);
  }
  AddSizeOption(app, "--layer-cost", cost.layer_cost,
                "what the request for one layer costs, in bytes (default: 256KiB)");
  app.add_option("--images-per-node", cost.images_per_node,
                 "images that a node runs on average, 0: every pull is cold (default: 10)")
      ->check(CheckCount)
      ->type_name("K");
  app.add_option("--nodes", cost.nodes, "nodes (default: all pulls / images per node)")
      ->check(CheckCount)
      ->type_name("N");
  app.add_option("--max-layers", squash.max_layers,
                 "most layers of an image (default: 127, containerd's limit)")
      ->check(CLI::Range(1U, 1'000'000U).description(""))
      ->type_name("N");
  app.add_option("--pin", squash.pins,
                 "images never to rewrite, a shell pattern over refs; may be given again")
      ->allow_extra_args(false)
      ->type_name("PATTERN");
  app.add_option("--gap", squash.gap_tolerance,
                 "stop when the plan is proven this near to the optimum (default: 0)")
      ->check(CheckCount)
      ->type_name("X");
  AddStoreOption(app, options->store);
  app.add_flag("--no-contents", options->no_contents,
               "plan from manifests alone: what layers hide of each other is not known");
  AddScopeOption(app, options->scope);
  app.add_flag("--layers-only", options->layers_only,
               "leave configs and manifests out of the headline; costs count layers anyway");
  app.add_option("--top", options->top, "recommendations and bases shown, 0 for all (default: 5)")
      ->type_name("N");
  AddReportOptions(app, options->report);
  return [options](Console& console) { return RunPlan(*options, console); };
}

}  // namespace gneiss
