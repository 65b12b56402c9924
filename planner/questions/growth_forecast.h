// How fast bytes grow, and when they reach a limit: least squares on what came between the points
// of a series.
//
// Model. Bytes at t+d are those at t, and d times a drift, and a seasonal swing where the series
// carries one, and what chance brings, with a variance that grows as d does (a random walk with
// drift; Hyndman and Athanasopoulos, Forecasting: principles and practice, 5.2 and 7.4). A bytes
// curve only looks like a line: a fit of a line to its points would take neighbours for independent
// and promise too much, so the steps are fitted, each weighted by one over its length. An interval
// holds what chance brings until then and how well the drift is known, by Student's t.
//
// A season of a year or of a week is a pair of sine and cosine over the series' time. It is taken
// when two whole ones are seen with points close enough, and it lowers Akaike's criterion with the
// correction for short series.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace gneiss {

struct GrowthPoint {
  std::int64_t time = 0;  // seconds since 1970
  double bytes = 0;
};

struct ForecastPoint {
  std::int64_t time = 0;
  double bytes = 0;
  double low = 0;   // of the interval
  double high = 0;  // of the interval
};

class GrowthForecast {
 public:
  static constexpr std::size_t kFewestPoints = 4;

  // `confidence` of intervals, as 0.8. REQUIRES: kFewestPoints or more, times rising; confidence in
  // (0, 1). Cost: O(points).
  GrowthForecast(std::span<const GrowthPoint> points, double confidence);

  // Bytes at a time not before the last point. Low ends may be below 0.
  [[nodiscard]] ForecastPoint At(std::int64_t time) const;

  // When bytes reach `limit`: the first time, in steps of a day, at which the part of At says so;
  // nullopt: not within `horizon` seconds after the last point. The limit may be passed already.
  enum class Part { kLow, kExpected, kHigh };
  [[nodiscard]] std::optional<std::int64_t> Reaches(double limit, Part part,
                                                    std::int64_t horizon) const;

  double bytes_a_second() const { return drift_; }
  // Half of the drift's own interval.
  double bytes_a_second_margin() const;
  // Seconds of the season that was taken, 0 for none.
  std::int64_t season() const { return season_; }

 private:
  struct Fit;
  static Fit FitSteps(std::span<const GrowthPoint> points, std::int64_t season);
  double SwingAt(double seconds) const;

  GrowthPoint last_;
  double quantile_ = 0;        // of Student's t, for the confidence
  double drift_ = 0;           // bytes a second
  double drift_variance_ = 0;  // of the estimate
  double variance_ = 0;        // of chance, in a second
  std::int64_t season_ = 0;
  double sine_ = 0;  // of the swing, bytes
  double cosine_ = 0;
};

}  // namespace gneiss
