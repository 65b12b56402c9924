#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/cli/commands/commands.h"
#include "io/cli/options/group_reports.h"
#include "io/cli/options/plan_arguments.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scope_option.h"
#include "io/cli/terminal/output_file.h"
#include "io/report/whole/report_format.h"
#include "io/tables/growth_series.h"

namespace gneiss {
namespace {

constexpr std::int64_t kByFormat = -1;
constexpr std::size_t kMarkdownTop = 10;
constexpr std::size_t kPromTop = 500;

struct ReportCommandOptions {
  PlanArguments plan;
  std::string format = "html";
  std::string table;
  std::string by;
  std::string output;
  std::vector<std::string> labels;
  std::string history;
  std::int64_t top = kByFormat;
  std::int64_t max_images = ReportLimits().images;
  bool json = false;
};

std::string CheckReportFormat(const std::string& text) {
  if (ParseReportFormat(text)) return "";
  return fmt::format("expected html, md, csv, prom or json, found \"{}\"", text);
}

std::string CheckReportTable(const std::string& text) {
  if (ParseReportTable(text)) return "";
  return fmt::format("expected {}, found \"{}\"", fmt::join(ReportTableNames(), ", "), text);
}

ReportForm FormOf(const ReportCommandOptions& options) {
  ReportForm form;
  form.format = options.json ? ReportFormat::kJson : *ParseReportFormat(options.format);
  const bool is_csv = form.format == ReportFormat::kCsv;
  if (is_csv && options.table.empty()) {
    throw UsageError(fmt::format("--format csv is one table: expected --table with one of {}",
                                 fmt::join(ReportTableNames(), ", ")));
  }
  if (!is_csv && !options.table.empty()) {
    throw UsageError("--table is for --format csv; the other formats have all tables");
  }
  if (is_csv) form.table = *ParseReportTable(options.table);
  form.top = form.format == ReportFormat::kProm ? kPromTop : kMarkdownTop;
  if (options.top != kByFormat) form.top = static_cast<std::size_t>(options.top);
  form.limits.images = static_cast<std::size_t>(options.max_images);
  return form;
}

// Labels asked for, each once; those that name owners when none was.
std::vector<std::string> ChooseLabels(const ReportCommandOptions& options, const Fleet& fleet) {
  if (options.labels.empty()) return OwnerLabels(fleet);
  std::vector<std::string> labels;
  for (const std::string& label : options.labels) {
    RequireLabel(fleet, label, "--label " + label);
    if (std::ranges::find(labels, label) == labels.end()) labels.push_back(label);
  }
  return labels;
}

int RunReport(const ReportCommandOptions& options, Console& console) {
  const ReportForm form = FormOf(options);
  if (!options.by.empty() && (options.output.empty() || options.output == "-")) {
    throw UsageError("--by writes one report for each group: expected -o DIR");
  }
  Progress progress(console, options.plan.fleet.quiet);
  if (!options.by.empty()) {
    if (!options.history.empty())
      throw UsageError("--history is of the whole fleet: leave out --by");
    if (!options.plan.event_file.empty()) {
      throw UsageError("--events are of the whole fleet: leave out --by");
    }
    return WriteGroupReports(options.plan,
                             {.grouping = *ParseGrouping(options.by),
                              .directory = options.output,
                              .form = form,
                              .labels = options.labels},
                             console, progress);
  }
  const std::unique_ptr<PlannedFleet> planned = ReadForPlan(options.plan, console, progress);
  const Fleet& fleet = planned->loaded.fleet;
  FleetReportRequest request{.scope = *ParseScope(options.plan.scope),
                             .layers_only = options.plan.layers_only,
                             .labels = ChooseLabels(options, fleet),
                             .bad_images = planned->loaded.bad_images};
  if (!options.history.empty()) request.history = ReadGrowthSeries(options.history);
  if (planned->contents) {
    progress.Show("waste");
    request.waste = FindReportWaste(fleet, options.plan.cost(), &*planned->contents);
  }
  PlanWhatIsRead(options.plan, *planned, progress);
  progress.Show("writing");
  const FleetReport report = MakeFleetReport(fleet, *planned->plan, std::move(request));
  OutputFile output(options.output, console);
  if (output.is_console()) progress.Erase();
  WriteReport(report, form, output.stream());
  progress.Erase();
  output.Finish();
  return planned->exit_code();
}

void AddFormOptions(CLI::App& app, ReportCommandOptions& options) {
  CLI::Option* format =
      app.add_option("--format", options.format,
                     "html (default): one page that needs no other file and no network; md: for "
                     "merge requests; csv: one table; prom: for the node exporter's textfile "
                     "collector; json: what the page shows")
          ->check(CheckReportFormat)
          ->check(Offering({"html", "md", "csv", "prom", "json"}))
          ->type_name("FORMAT");
  app.add_flag("--json", options.json, "as --format json")->excludes(format);
  app.add_option("--table", options.table,
                 fmt::format("of csv: {}; raw integers, CRLF; texts that a spreadsheet would take "
                             "for a formula get a ' before them",
                             fmt::join(ReportTableNames(), ", ")))
      ->check(CheckReportTable)
      ->check(Offering({ReportTableNames().begin(), ReportTableNames().end()}))
      ->type_name("TABLE");
  app.add_option("--by", options.by,
                 "one report for each repository, namespace, platform or value of label:KEY, each "
                 "as if it were alone, and an index, in the folder that -o names")
      ->check(CheckGrouping)
      ->check(Offering({"repository", "namespace", "platform", "label:"}))
      ->type_name("WHAT");
  app.add_option("--label", options.labels,
                 "label whose values are rows of a table, a team's say (default: those that name "
                 "owners); may be given again")
      ->allow_extra_args(false)
      ->type_name("KEY");
  app.add_option(
         "--history", options.history,
         "bytes over time, for a curve in html and json: the JSON of `gneiss replay`, or CSV "
         "\"time,stored[,logical]\"")
      ->type_name("FILE");
  AddCountOption(app, "--top", options.top,
                 "recommendations and rows of a table in md (default: 10), groups of a kind in "
                 "prom (default: 500), 0 for all");
  AddCountOption(app, "--max-images", options.max_images,
                 "images listed one by one in html and json, those with the largest shares, 0 for "
                 "all (default: 10000); the others are summed up");
}

}  // namespace

CommandBody ConfigureReport(CLI::App& app) {
  const auto options = std::make_shared<ReportCommandOptions>();
  AddFormOptions(app, *options);
  AddOutputOption(app, options->output);
  app.get_option("--output")
      ->description(
          "write to FILE, complete or not at all (default: standard output); with --by a folder");
  AddPlanArguments(app, options->plan);
  app.add_flag("--frontier", options->plan.plan.wants_frontier,
               "also curves of stored bytes against layers an image and bases; takes longer");
  return [options](Console& console) { return RunReport(*options, console); };
}

}  // namespace gneiss
