#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/commands/commands.h"
#include "io/cli/options/plan_arguments.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scope_option.h"
#include "io/cli/terminal/output_file.h"
#include "io/report/fleet/graph_report.h"
#include "io/text/format.h"
#include "planner/plan/planned_fleet.h"

namespace gneiss {
namespace {

struct GraphOptions {
  PlanArguments plan;
  std::string output;
  std::string format = "dot";
  std::string what = "sharing";
  bool json = false;
  std::int64_t min_shared = 1;
};

const std::map<std::string, GraphFormat> kFormats = {
    {"dot", GraphFormat::kDot}, {"graphml", GraphFormat::kGraphMl}, {"json", GraphFormat::kJson}};
const std::map<std::string, GraphKind> kKinds = {{"sharing", GraphKind::kSharing},
                                                 {"trie", GraphKind::kTrie}};

const std::map<std::string, PlanLevel> kLevels = {{"today", PlanLevel::kToday},
                                                  {"squash", PlanLevel::kSquash},
                                                  {"bases", PlanLevel::kBases},
                                                  {"carve", PlanLevel::kCarve}};

// The fleet to draw, and the exit code of its sources.
std::pair<Fleet, int> LoadLevel(const GraphOptions& options, Console& console) {
  if (options.plan.level == "today") {
    LoadedFleet loaded = LoadFleet(options.plan.fleet, console);
    return {std::move(loaded.fleet), loaded.exit_code};
  }
  Progress progress(console, options.plan.fleet.quiet);
  const std::unique_ptr<PlannedFleet> planned = PlanFleet(options.plan, console, progress);
  return {MakePlannedFleet(planned->loaded.fleet, *planned->plan, kLevels.at(options.plan.level)),
          planned->exit_code()};
}

int RunGraph(const GraphOptions& options, Console& console) {
  const auto [fleet, exit_code] = LoadLevel(options, console);
  const ReportGraph graph(fleet, kKinds.at(options.what), options.min_shared);
  if (graph.num_images_left_out() > 0 && !options.plan.fleet.quiet) {
    *console.err << fmt::format("gneiss: {} without such a layer left out\n",
                                FormatCounted(graph.num_images_left_out(), "image"));
  }
  OutputFile output(options.output, console);
  WriteGraph(graph, options.json ? GraphFormat::kJson : kFormats.at(options.format),
             output.stream());
  output.Finish();
  return exit_code;
}

}  // namespace

CommandBody ConfigureGraph(CLI::App& app) {
  const auto options = std::make_shared<GraphOptions>();
  options->plan.level = "today";
  AddPlanArguments(app, options->plan, {"today", "squash", "bases", "carve"});
  CLI::Option* format =
      app.add_option("--format", options->format, "dot, graphml or json (default: dot)")
          ->check(OneOf({"dot", "graphml", "json"}))
          ->type_name("FORMAT");
  app.add_flag("--json", options->json, "the same as --format json")->excludes(format);
  app.add_option("--what", options->what,
                 "sharing: images and their layers; trie: chains of layers (default: sharing)")
      ->check(OneOf({"sharing", "trie"}))
      ->type_name("WHAT");
  AddCountOption(app, "--min-shared", options->min_shared,
                 "only layers that at least N images hold (default: 1)");
  AddOutputOption(app, options->output);
  return [options](Console& console) { return RunGraph(*options, console); };
}

}  // namespace gneiss
