#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/commands/commands.h"
#include "io/cli/options/load_contents.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scope_option.h"
#include "io/report/questions/policy.h"
#include "io/tables/policy_file.h"
#include "io/text/screen_text.h"
#include "planner/cost/today.h"
#include "planner/fleet/ref_selection.h"
#include "planner/questions/policy.h"
#include "planner/waste/waste.h"

namespace gneiss {
namespace {

struct CheckOptions {
  FleetOptions fleet;
  ReportOptions report;
  std::string policy;
  std::string baseline;
  std::vector<std::string> exempt;
  StoreArguments store;
  std::string format = "text";
  std::int64_t top = 3;
};

void WritePolicyReport(const CheckOptions& options, const PolicyReport& report,
                       std::int64_t bad_images, const ScreenStyle& style, std::ostream& out) {
  const auto top = static_cast<std::size_t>(options.top);
  if (options.report.json || options.format == "json") {
    WritePolicyJson(report, bad_images, out);
  } else if (options.format == "junit") {
    WritePolicyJunit(report, style.units, top, out);
  } else if (options.format == "github") {
    WritePolicyAnnotations(report, options.policy, style.units, top, out);
  } else {
    PrintPolicy(report,
                {.style = style,
                 .top = top,
                 .markdown = options.format == "markdown" || options.format == "md"},
                out);
  }
}

// What of the layers' contents is known, and the waste in them.
struct CheckedContents {
  CheckedContents(const LoadedFleet& loaded, const Policy& policy, const CheckOptions& options,
                  Console& console)
      : contents(
            LoadContents(loaded, options.store, options.fleet.quiet, console, NoStore::kIsEmpty)) {
    CostOptions cost;
    cost.scope = policy.scope;
    const CostModel model(loaded.fleet, cost);
    waste = FindWaste(loaded.fleet, model, MakeToday(loaded.fleet, model), contents);
  }

  LayerContents contents;
  WasteReport waste;
};

int RunCheck(const CheckOptions& options, Console& console) {
  if (options.policy.empty()) throw UsageError("expected --policy FILE");
  // Before the fleet is read, which may take long.
  Policy policy = ReadPolicyFile(options.policy);
  policy.exempt.insert(policy.exempt.end(), options.exempt.begin(), options.exempt.end());
  FleetOptions now = options.fleet;
  now.other_sources = {options.baseline};
  const LoadedFleet loaded = LoadFleet(now, console);
  if (!options.fleet.quiet) {
    // Those of a policy may be for other fleets.
    for (const std::string& pattern : SelectRefs(loaded.fleet, options.exempt).unmatched) {
      *console.err << fmt::format("gneiss: warning: --exempt \"{}\" matches no image\n",
                                  Printable(pattern));
    }
  }
  std::optional<LoadedFleet> baseline;
  if (!options.baseline.empty()) {
    FleetOptions side = options.fleet;
    side.sources = {options.baseline};
    side.other_sources = options.fleet.sources;
    baseline = LoadFleet(side, console);
  }
  std::optional<CheckedContents> contents;
  if (NeedsContents(policy)) contents.emplace(loaded, policy, options, console);
  const PolicyReport report = JudgePolicy(loaded.fleet, policy,
                                          {.baseline = baseline ? &baseline->fleet : nullptr,
                                           .contents = contents ? &contents->contents : nullptr,
                                           .waste = contents ? &contents->waste : nullptr});
  OutputFile output(options.report.output, console);
  WritePolicyReport(options, report, loaded.bad_images, StyleFor(options.report, output, console),
                    output.stream());
  output.Finish();
  if (!report.is_met()) return kPolicyNotMet;
  return baseline && loaded.exit_code == kDone ? baseline->exit_code : loaded.exit_code;
}

}  // namespace

CommandBody ConfigureCheck(CLI::App& app) {
  const auto options = std::make_shared<CheckOptions>();
  AddFleetOptions(app, options->fleet);
  app.add_option("--policy", options->policy,
                 "what the fleet must keep to, JSON such as {\"max_physical\": \"500 GB\", "
                 "\"max_layers\": 20, \"allowed_bases\": [\"debian:12*\"], \"no_secrets\": true}; "
                 "all rules: io/report/schema/gneiss.policy-1.schema.json")
      ->type_name("FILE");
  app.add_option("--baseline", options->baseline,
                 "the fleet as it was, for max_growth: a snapshot, or any other SOURCE")
      ->type_name("SOURCE");
  app.add_option("--exempt", options->exempt,
                 "shell pattern over refs: images that rules about single images are not for; "
                 "may be given again")
      ->allow_extra_args(false)
      ->type_name("PATTERN");
  AddStoreOptions(app, options->store);
  CLI::Option* const format =
      app.add_option("--format", options->format,
                     "text (default), junit, github (workflow commands), markdown or json")
          ->check(OneOf({"text", "junit", "github", "markdown", "md", "json"}))
          ->type_name("FORM");
  AddCountOption(app, "--top", options->top,
                 "offences named for each rule, 0 for all (default: 3); JSON has all");
  AddReportOptions(app, options->report);
  app.get_option("--json")->excludes(format);
  return [options](Console& console) { return RunCheck(*options, console); };
}

}  // namespace gneiss
