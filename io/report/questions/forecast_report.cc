#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "io/report/questions/forecast.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/calendar.h"

namespace gneiss {
namespace {

// No less than nothing can be held.
ForecastPoint AtLeastNothing(ForecastPoint point) {
  for (double* const bytes : {&point.bytes, &point.low, &point.high}) {
    *bytes = std::max(0.0, *bytes);
  }
  return point;
}

constexpr std::int64_t kQuotaHorizon = kQuotaYears * 12 * kMeanMonth;
constexpr double kBytesPerPricedUnit = 1e9;

GrowthCurve MakeCurve(const NamedSeries& series, std::vector<GrowthPoint> points,
                      const GrowthForecast& forecast, const ForecastRequest& request) {
  const auto month = static_cast<double>(kMeanMonth);
  GrowthCurve curve{.name = series.name,
                    .is_stored = series.is_stored,
                    .points = std::move(points),
                    .bytes_a_month = forecast.bytes_a_second() * month,
                    .bytes_a_month_margin = forecast.bytes_a_second_margin() * month,
                    .season = forecast.season()};
  const GrowthPoint& last = curve.points.back();
  double byte_months = 0;
  for (std::int64_t m = 1; m <= request.months; ++m) {
    curve.ahead.push_back(AtLeastNothing(forecast.At(MonthsLater(last.time, m))));
    // A month costs what is stored at its end.
    byte_months += curve.ahead.back().bytes;
  }
  if (!series.is_stored) return curve;
  if (request.price) curve.costs = byte_months / kBytesPerPricedUnit * *request.price;
  if (request.quota) {
    using Part = GrowthForecast::Part;
    const auto quota = static_cast<double>(*request.quota);
    curve.is_over_quota = last.bytes >= quota;
    curve.reached = forecast.Reaches(quota, Part::kExpected, kQuotaHorizon);
    curve.reached_first = forecast.Reaches(quota, Part::kHigh, kQuotaHorizon);
    curve.reached_last = forecast.Reaches(quota, Part::kLow, kQuotaHorizon);
  }
  return curve;
}

}  // namespace

ForecastReport MakeForecast(std::span<const NamedSeries> series, const ForecastRequest& request) {
  ForecastReport report{.request = request, .curves = {}, .tests = {}};
  for (const NamedSeries& one : series) {
    std::vector<GrowthPoint> learned;
    std::vector<GrowthPoint> compared;
    for (const GrowthPoint& point : one.points) {
      (request.until && point.time > *request.until ? compared : learned).push_back(point);
    }
    if (learned.size() < GrowthForecast::kFewestPoints) {
      throw InputError(fmt::format(
          "expected at least {} points in time to learn from, found {}; take more of them, or "
          "shorter steps",
          GrowthForecast::kFewestPoints, learned.size()));
    }
    const GrowthForecast forecast(learned, request.confidence);
    for (const GrowthPoint& point : compared) {
      report.tests.push_back(
          {.curve = one.name, .found = point, .expected = AtLeastNothing(forecast.At(point.time))});
    }
    report.curves.push_back(MakeCurve(one, std::move(learned), forecast, request));
  }
  return report;
}

}  // namespace gneiss
