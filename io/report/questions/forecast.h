// `gneiss forecast`: how a registry grows, when it reaches a quota, and what that costs. Made here
// of a series; printed by forecast_screen and forecast_json.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "io/text/table.h"
#include "planner/fleet/bytes.h"
#include "planner/questions/growth_forecast.h"

namespace gneiss {

struct ForecastRequest {
  std::int64_t months = 12;           // ahead
  double confidence = 0.8;            // of intervals
  std::optional<Bytes> quota;         // of stored bytes
  std::optional<double> price;        // of a GB (10^9 bytes) stored for a month
  std::optional<std::int64_t> until;  // points after it are not learned from, but compared
};

// One thing that grows.
struct GrowthCurve {
  std::string name;                  // "stored", "logical", "stored with the plan"
  bool is_stored = true;             // as of its series
  std::vector<GrowthPoint> points;   // that were learned from
  double bytes_a_month = 0;          // of the mean month
  double bytes_a_month_margin = 0;   // half of its interval
  std::int64_t season = 0;           // seconds, 0: none
  std::vector<ForecastPoint> ahead;  // one a month, after the last point
  // When it reaches the quota: expected, at the earliest and at the latest of the interval, nullopt
  // where that is not within kQuotaYears. All are nullopt without a quota.
  std::optional<std::int64_t> reached;
  std::optional<std::int64_t> reached_first;
  std::optional<std::int64_t> reached_last;
  bool is_over_quota = false;   // today
  std::optional<double> costs;  // of the months ahead, at the request's price
};

// A point that was not learned from, and what was expected of it.
struct ForecastTest {
  std::string curve;
  GrowthPoint found;
  ForecastPoint expected;
};

struct ForecastReport {
  ForecastRequest request;
  std::vector<GrowthCurve> curves;  // stored first
  std::vector<ForecastTest> tests;
};

inline constexpr std::int64_t kQuotaYears = 50;

struct NamedSeries {
  std::string name;
  bool is_stored = true;  // takes space: has a quota and costs
  std::vector<GrowthPoint> points;
};

// Throws InputError when a series has less than GrowthForecast::kFewestPoints points to learn from.
[[nodiscard]] ForecastReport MakeForecast(std::span<const NamedSeries> series,
                                          const ForecastRequest& request);

// `gneiss forecast` on a screen.

void PrintForecast(const ForecastReport& report, const ScreenStyle& style, std::ostream& out);

// `gneiss forecast --json`: gneiss.forecast/1, described in io/report/schema.

void WriteForecastJson(const ForecastReport& report, std::ostream& out);

}  // namespace gneiss
