#include <cstdint>
#include <memory>

#include <CLI/CLI.hpp>

#include "io/cli/commands/commands.h"
#include "io/cli/options/plan_arguments.h"
#include "io/cli/options/report_options.h"
#include "io/cli/terminal/output_file.h"
#include "io/report/plan/plan_commands.h"
#include "io/report/plan/plan_json.h"
#include "io/report/plan/plan_screen.h"

namespace gneiss {
namespace {

struct PlanCommandOptions {
  PlanArguments plan;
  ReportOptions report;
  std::int64_t top = 5;
  bool commands = false;
};

int RunPlan(const PlanCommandOptions& options, Console& console) {
  Progress progress(console, options.plan.fleet.quiet);
  const std::unique_ptr<PlannedFleet> planned = PlanFleet(options.plan, console, progress);
  const Fleet& fleet = planned->loaded.fleet;
  progress.Show("writing");
  if (options.commands) {
    progress.Erase();
    PlanScript script{.sources = options.plan.fleet.sources,
                      .store_options = StoreWords(options.plan.store)};
    if (planned->loaded.blobs.layouts().size() == 1) {
      script.repositories = planned->loaded.repositories;
    }
    OutputFile file(options.report.output, console);
    PrintPlanCommands(fleet, *planned->plan, script, file.stream());
    file.Finish();
    return planned->exit_code();
  }
  // -o keeps the plan itself, for `apply` and for other programs. The screen still tells what it
  // says, unless JSON is all that was asked for.
  if (options.report.json || !options.report.output.empty()) {
    OutputFile file(options.report.output, console);
    const bool is_all = options.report.json || file.is_console();
    if (is_all) progress.Erase();
    WritePlanJson(fleet, planned->totals, *planned->plan, planned->loaded.bad_images,
                  file.stream());
    file.Finish();
    if (is_all) return planned->exit_code();
  }
  progress.Erase();
  OutputFile output("", console);
  const PlanScreen screen{.style = StyleFor(options.report, output, console),
                          .top = static_cast<std::size_t>(options.top)};
  PrintPlan(fleet, planned->totals, *planned->plan, screen, output.stream());
  output.Finish();
  return planned->exit_code();
}

}  // namespace

CommandBody ConfigurePlan(CLI::App& app) {
  const auto options = std::make_shared<PlanCommandOptions>();
  AddPlanArguments(app, options->plan);
  app.add_flag("--frontier", options->plan.plan.wants_frontier,
               "also stored bytes against bases, layers an image and moved bytes; takes longer");
  AddCountOption(app, "--top", options->top,
                 "recommendations and bases shown, 0 for all (default: 5)");
  AddReportOptions(app, options->report);
  app.get_option("--output")
      ->description(
          "write the plan to FILE as JSON, complete or not at all, and the text to standard "
          "output; with --json to FILE alone");
  app.add_flag("--commands", options->commands,
               "a shell script that carries the plan out: crane, buildah or docker, skopeo, gneiss "
               "apply; -o is its file")
      ->excludes(app.get_option("--json"));
  return [options](Console& console) { return RunPlan(*options, console); };
}

}  // namespace gneiss
