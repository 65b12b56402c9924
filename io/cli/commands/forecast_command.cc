#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/cli/commands/commands.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/report_options.h"
#include "io/report/fleet/stat_report.h"
#include "io/report/questions/forecast.h"
#include "io/tables/growth_series.h"
#include "io/tables/plan_file.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

struct ForecastArguments {
  FleetOptions fleet;  // its sources are a series, or DATE=SOURCE
  ForecastRequest request;
  Bytes quota = 0;
  double price = -1;
  std::string until;
  std::string plan;
  std::string level;
  ReportOptions report;
};

constexpr std::int64_t kMaxMonths = 600;
// Dearer than any storage: keeps costs of all that can be stored finite.
constexpr double kMaxPrice = 1e9;

std::string CheckConfidence(const std::string& text) {
  const double value = std::strtod(text.c_str(), nullptr);
  if (value >= 0.01 && value <= 0.999) return "";
  return fmt::format("expected a share from 0.01 to 0.999, as 0.8 for 80 %, found \"{}\"", text);
}

std::string CheckPrice(const std::string& text) {
  const double value = std::strtod(text.c_str(), nullptr);
  if (value >= 0 && value <= kMaxPrice) return "";
  return fmt::format("expected a price from 0 to 1e9, found \"{}\"", text);
}

// "DATE=SOURCE" as its two parts.
std::optional<std::pair<std::string, std::string>> SplitDated(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || !CheckDate(text.substr(0, equals)).empty()) {
    return std::nullopt;
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

// What snapshots of several days hold.
std::vector<SeriesPoint> ReadSnapshots(const FleetOptions& fleet, Console& console,
                                       int& exit_code) {
  std::vector<SeriesPoint> points;
  for (const std::string& argument : fleet.sources) {
    const auto dated = SplitDated(argument);
    if (!dated) {
      throw UsageError(fmt::format(
          "expected one series, or for each snapshot DATE=SOURCE as 2017-06-30=june.ndjson.zst, "
          "found \"{}\"",
          argument));
    }
    FleetOptions one = fleet;
    one.sources = {dated->second};
    for (const std::string& other : fleet.sources) {
      if (const auto split = SplitDated(other)) one.other_sources.push_back(split->second);
    }
    const LoadedFleet loaded = LoadFleet(one, console);
    exit_code = std::max(exit_code, loaded.exit_code);
    const FleetTotals totals = MakeStatReport(loaded.fleet, {}).accounting.totals;
    points.push_back({.time = ParseDate(dated->first),
                      .stored = totals.physical_bytes,
                      .logical = totals.logical_bytes});
  }
  std::ranges::sort(points, {}, &SeriesPoint::time);
  const auto same = std::ranges::adjacent_find(points, {}, &SeriesPoint::time);
  if (same != points.end()) throw UsageError("two snapshots of one time; give each time one");
  return points;
}

// The level of that name, or the one that stores least when it is empty.
const PlanLevelSummary& LevelOf(const PlanSummary& plan, const std::string& level) {
  if (plan.levels.empty() || plan.current.storage_bytes <= 0) {
    throw InputError(plan.path, "", "expected a plan with levels and stored bytes, found none");
  }
  if (level.empty()) {
    return *std::ranges::min_element(
        plan.levels, {}, [](const PlanLevelSummary& one) { return one.planned.storage_bytes; });
  }
  const auto found = std::ranges::find(plan.levels, level, &PlanLevelSummary::name);
  if (found != plan.levels.end()) return *found;
  std::vector<std::string> names;
  for (const PlanLevelSummary& one : plan.levels) names.push_back(one.name);
  throw InputError(plan.path, "levels",
                   fmt::format("expected a level {}, found {}", level, fmt::join(names, ", ")));
}

// What would be stored had all of it been laid out as the level lays out the plan's fleet.
void AddPlanned(const std::string& path, const std::string& level,
                std::vector<SeriesPoint>& points) {
  if (points.front().planned) {
    throw UsageError("--plan: the series has the figures of a plan already; leave out --plan");
  }
  const PlanSummary plan = ReadPlanSummary(path);
  const double share = static_cast<double>(LevelOf(plan, level).planned.storage_bytes) /
                       static_cast<double>(plan.current.storage_bytes);
  for (SeriesPoint& point : points) {
    point.planned = std::llround(std::min(share * static_cast<double>(point.stored), 9e18));
  }
}

std::vector<NamedSeries> SeriesOf(const std::vector<SeriesPoint>& points) {
  NamedSeries stored{.name = "stored", .points = {}};
  NamedSeries logical{.name = "logical", .is_stored = false, .points = {}};
  NamedSeries planned{.name = "stored with the plan", .points = {}};
  for (const SeriesPoint& point : points) {
    stored.points.push_back({.time = point.time, .bytes = static_cast<double>(point.stored)});
    if (point.logical) {
      logical.points.push_back({.time = point.time, .bytes = static_cast<double>(*point.logical)});
    }
    if (point.planned) {
      planned.points.push_back({.time = point.time, .bytes = static_cast<double>(*point.planned)});
    }
  }
  std::vector<NamedSeries> all = {std::move(stored)};
  // A column that is not always there is none.
  for (NamedSeries* const series : {&planned, &logical}) {
    if (series->points.size() == points.size()) all.push_back(std::move(*series));
  }
  return all;
}

int RunForecast(const ForecastArguments& arguments, Console& console) {
  ForecastRequest request = arguments.request;
  if (arguments.quota > 0) request.quota = arguments.quota;
  if (arguments.price >= 0) request.price = arguments.price;
  if (request.months > kMaxMonths) {
    throw UsageError(
        fmt::format("--months: expected up to {}, found {}", kMaxMonths, request.months));
  }
  if (!arguments.until.empty()) request.until = ParseDate(arguments.until);
  const std::vector<std::string>& sources = arguments.fleet.sources;
  const bool is_series = sources.size() == 1 && !SplitDated(sources.front());
  if (arguments.plan.empty() && !arguments.level.empty()) {
    throw UsageError("--level is of --plan; give both");
  }
  int exit_code = kDone;
  if (is_series && !arguments.fleet.platform.empty()) {
    throw UsageError("--platform is of snapshots, DATE=SOURCE; a series has its bytes as they are");
  }
  std::vector<SeriesPoint> points = is_series ? ReadGrowthSeries(sources.front())
                                              : ReadSnapshots(arguments.fleet, console, exit_code);
  if (!arguments.plan.empty()) AddPlanned(arguments.plan, arguments.level, points);
  ForecastReport report;
  try {
    report = MakeForecast(SeriesOf(points), request);
  } catch (const InputError& error) {
    if (!is_series || !error.source().empty()) throw;
    throw error.WithSource(sources.front(), error.place());
  }
  OutputFile output(arguments.report.output, console);
  if (arguments.report.json) {
    WriteForecastJson(report, output.stream());
  } else {
    PrintForecast(report, StyleFor(arguments.report, output, console), output.stream());
  }
  output.Finish();
  return exit_code;
}

}  // namespace

CommandBody ConfigureForecast(CLI::App& app) {
  const auto arguments = std::make_shared<ForecastArguments>();
  AddFleetOptions(app, arguments->fleet);
  app.get_option("source")
      ->description(
          "bytes over time: the JSON of `gneiss replay`, CSV \"time,stored[,logical]\", or for "
          "each "
          "of several snapshots DATE=SOURCE, as 2017-06-30=june.ndjson.zst")
      ->type_name("SERIES...");
  AddCountOption(app, "--months", arguments->request.months, "how far to look (default: 12)", 1);
  app.add_option("--confidence", arguments->request.confidence,
                 "share of chances that intervals hold (default: 0.8)")
      ->check(CheckConfidence)
      ->type_name("X");
  AddSizeOption(app, "--quota", arguments->quota, "when stored bytes reach this, 0 for none");
  app.add_option("--storage-price", arguments->price, "of a GB stored for a month")
      ->check(CheckPrice)
      ->type_name("PRICE");
  app.add_option("--plan", arguments->plan,
                 "the same with a plan, for a series without one: its share of what is stored")
      ->type_name("FILE");
  app.add_option("--level", arguments->level, "of the plan (default: the one that stores least)")
      ->type_name("LEVEL");
  app.add_option("--learn-until", arguments->until,
                 "compare later points with what was expected of them, instead of learning from "
                 "them")
      ->check(CheckDate)
      ->type_name("DATE");
  AddReportOptions(app, arguments->report);
  return [arguments](Console& console) { return RunForecast(*arguments, console); };
}

}  // namespace gneiss
