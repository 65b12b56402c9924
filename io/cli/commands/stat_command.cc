#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "io/cli/commands/commands.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scope_option.h"
#include "io/report/fleet/stat_report.h"

namespace gneiss {
namespace {

struct StatOptions {
  FleetOptions fleet;
  ReportOptions report;
  std::string scope = "global";
  bool layers_only = false;
  bool images = false;
  std::vector<std::string> by;
  std::int64_t top = 20;
};

StatRequest MakeRequest(const StatOptions& options) {
  StatRequest request;
  request.scope = *ParseScope(options.scope);
  request.layers_only = options.layers_only;
  for (const std::string& text : options.by) {
    const Grouping grouping = *ParseGrouping(text);
    // A table asked for twice is shown once.
    if (std::ranges::find(request.groupings, grouping) == request.groupings.end()) {
      request.groupings.push_back(grouping);
    }
  }
  if (options.by.empty()) {
    for (const auto kind :
         {Grouping::Kind::kRepository, Grouping::Kind::kNamespace, Grouping::Kind::kPlatform}) {
      request.groupings.push_back({.kind = kind, .label = {}});
    }
  }
  return request;
}

int RunStat(const StatOptions& options, Console& console) {
  const LoadedFleet loaded = LoadFleet(options.fleet, console);
  const StatReport report = MakeStatReport(loaded.fleet, MakeRequest(options));
  OutputFile output(options.report.output, console);
  if (options.report.json) {
    WriteStatJson(loaded.fleet, report, loaded.bad_images, options.images, output.stream());
  } else {
    const StatScreen screen{.style = StyleFor(options.report, output, console),
                            .top = static_cast<std::size_t>(options.top),
                            .images = options.images,
                            .one_group = !options.by.empty()};
    PrintStat(loaded.fleet, report, screen, output.stream());
  }
  output.Finish();
  return loaded.exit_code;
}

}  // namespace

CommandBody ConfigureStat(CLI::App& app) {
  const auto options = std::make_shared<StatOptions>();
  AddFleetOptions(app, options->fleet);
  AddScopeOption(app, options->scope);
  app.add_flag("--layers-only", options->layers_only, "leave out configs and manifests");
  app.add_option("--by", options->by,
                 "tables wanted: repository, namespace, platform, label:KEY; may be given again")
      ->check(CheckGrouping)
      ->check(Offering({"repository", "namespace", "platform", "label:"}))
      ->allow_extra_args(false)
      ->type_name("WHAT");
  app.add_flag("--images", options->images, "the table of all images too");
  AddCountOption(app, "--top", options->top,
                 "rows of a table, 0 for all (default: 20); JSON has all");
  AddReportOptions(app, options->report);
  return [options](Console& console) { return RunStat(*options, console); };
}

}  // namespace gneiss
