#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/commands/commands.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/registry_options.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scope_option.h"
#include "io/json/json_value.h"
#include "io/report/fleet/fleet_diff.h"
#include "io/report/plan/plan_diff.h"
#include "io/source/document_rules.h"
#include "io/tables/plan_file.h"
#include "planner/fleet/bytes.h"
#include "planner/questions/fleet_diff.h"

namespace gneiss {
namespace {

constexpr std::string_view kPlanSchemaName = "gneiss.plan/1";

struct DiffOptions {
  std::string before;
  std::string after;
  FleetOptions fleet;  // its sources are `before` or `after`
  ReportOptions report;
  std::string scope = "global";
  std::string format = "text";
  bool layers_only = false;
  std::int64_t top = 20;
};

// Whether `source` is a plan. Throws InputError for another document of gneiss.
bool IsPlan(const std::string& source) {
  const std::string schema = SchemaOfFile(source);
  if (schema.empty() || schema == kPlanSchemaName) return !schema.empty();
  throw InputError(source, "",
                   fmt::format("expected a fleet, or a plan of schema \"{}\", found schema {}; "
                               "write it anew with `gneiss plan -o` or `gneiss snapshot -o`",
                               kPlanSchemaName, Quote(schema)));
}

DiffScreen ScreenFor(const DiffOptions& options, const OutputFile& output, const Console& console) {
  return {.style = StyleFor(options.report, output, console),
          .top = static_cast<std::size_t>(options.top),
          .markdown = options.format == "markdown" || options.format == "md"};
}

bool WantsJson(const DiffOptions& options) {
  return options.report.json || options.format == "json";
}

int DiffPlanFiles(const DiffOptions& options, Console& console) {
  if (!options.fleet.platform.empty()) {
    throw UsageError("--platform is of fleets; plans are compared as they were made");
  }
  const PlanDiff diff = DiffPlans(ReadPlanSummary(options.before), ReadPlanSummary(options.after));
  OutputFile output(options.report.output, console);
  if (WantsJson(options)) {
    WritePlanDiffJson(diff, output.stream());
  } else {
    PrintPlanDiff(diff, ScreenFor(options, output, console), output.stream());
  }
  output.Finish();
  return kDone;
}

int DiffSources(const DiffOptions& options, Console& console) {
  FleetOptions side = options.fleet;
  side.other_sources = {options.before, options.after};
  side.sources = {options.before};
  const LoadedFleet before = LoadFleet(side, console);
  side.sources = {options.after};
  const LoadedFleet after = LoadFleet(side, console);
  const FleetDiff diff =
      DiffFleets(before.fleet, after.fleet, *ParseScope(options.scope), options.layers_only);
  OutputFile output(options.report.output, console);
  if (WantsJson(options)) {
    WriteFleetDiffJson(before.fleet, after.fleet, diff, before.bad_images + after.bad_images,
                       output.stream());
  } else {
    PrintFleetDiff(before.fleet, after.fleet, diff, ScreenFor(options, output, console),
                   output.stream());
  }
  output.Finish();
  return before.exit_code != kDone ? before.exit_code : after.exit_code;
}

int RunDiff(const DiffOptions& options, Console& console) {
  if (options.after.empty()) {
    throw UsageError("expected two SOURCEs or two plans, what was and what is now");
  }
  const bool is_plan_before = IsPlan(options.before);
  const bool is_plan_after = IsPlan(options.after);
  if (is_plan_before != is_plan_after) {
    const std::string& plan = is_plan_before ? options.before : options.after;
    throw InputError(is_plan_before ? options.after : options.before, "",
                     fmt::format("expected a plan, as {} is one, found none; give two plans or two "
                                 "fleets",
                                 Quote(plan)));
  }
  return is_plan_before ? DiffPlanFiles(options, console) : DiffSources(options, console);
}

}  // namespace

CommandBody ConfigureDiff(CLI::App& app) {
  const auto options = std::make_shared<DiffOptions>();
  app.add_option("before", options->before,
                 "what was: a SOURCE as every command takes it, or a file that `plan -o` wrote")
      ->type_name("SOURCE");
  app.add_option("after", options->after, "what is now, of the same kind")->type_name("SOURCE");
  AddFleetRules(app, options->fleet);
  AddScopeOption(app, options->scope);
  app.add_flag("--layers-only", options->layers_only, "leave out configs and manifests");
  CLI::Option* const format = app.add_option("--format", options->format,
                                             "text (default), markdown for merge requests, or json")
                                  ->check(OneOf({"text", "markdown", "md", "json"}))
                                  ->type_name("FORM");
  AddCountOption(app, "--top", options->top,
                 "rows of a table, 0 for all (default: 20); JSON has all");
  AddReportOptions(app, options->report);
  app.get_option("--json")->excludes(format);
  return [options](Console& console) { return RunDiff(*options, console); };
}

}  // namespace gneiss
