#include <algorithm>
#include <cctype>
#include <cstdint>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/commands/commands.h"
#include "io/cli/options/plan_arguments.h"
#include "io/cli/options/report_options.h"
#include "io/cli/terminal/output_file.h"
#include "io/report/plan/explain_screen.h"
#include "io/text/format.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

struct ExplainOptions {
  PlanArguments plan;
  ReportOptions report;
  std::string id;
  std::int64_t top = 20;
};

// By its id, in either case of letters.
const Recommendation& FindRecommendation(const Plan& plan, std::string id) {
  std::ranges::transform(id, id.begin(), [](unsigned char c) { return std::toupper(c); });
  const std::vector<const Recommendation*> all = plan.Ranked();
  const auto found = std::ranges::find(all, id, &Recommendation::id);
  if (found != all.end()) return **found;
  std::string there;
  for (const auto& [letter, list] :
       {std::pair('S', &plan.joins), std::pair('B', &plan.moves), std::pair('N', &plan.new_bases),
        std::pair('C', &plan.carved)}) {
    if (list->empty()) continue;
    there += fmt::format("{}{}1", there.empty() ? "" : ", ", letter);
    if (list->size() > 1) there += fmt::format(" to {}{}", letter, list->size());
  }
  throw InputError(
      fmt::format("there is no recommendation \"{}\"; this plan has {}; gneiss plan with the same "
                  "options lists "
                  "them",
                  id, there.empty() ? "none" : there));
}

int RunExplain(const ExplainOptions& options, Console& console) {
  Progress progress(console, options.plan.fleet.quiet);
  const std::unique_ptr<PlannedFleet> planned = PlanFleet(options.plan, console, progress);
  const Recommendation& recommendation = FindRecommendation(*planned->plan, options.id);
  progress.Erase();
  OutputFile output(options.report.output, console);
  if (options.report.json) {
    WriteExplanationJson(planned->loaded.fleet, *planned->plan, recommendation, output.stream());
  } else {
    PrintExplanation(planned->loaded.fleet, *planned->plan, recommendation,
                     StyleFor(options.report, output, console),
                     static_cast<std::size_t>(options.top), output.stream());
  }
  output.Finish();
  return planned->exit_code();
}

}  // namespace

CommandBody ConfigureExplain(CLI::App& app) {
  const auto options = std::make_shared<ExplainOptions>();
  app.add_option("id", options->id, "a recommendation as gneiss plan names it")
      ->required()
      ->type_name("ID");
  AddPlanArguments(app, options->plan);
  AddCountOption(app, "--top", options->top,
                 "images, paths and layers shown, 0 for all (default: 20)");
  AddReportOptions(app, options->report);
  return [options](Console& console) { return RunExplain(*options, console); };
}

}  // namespace gneiss
