#include "planner/questions/growth_forecast.h"

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/rounds.h"

namespace gneiss {
namespace {

constexpr std::int64_t kForecastDay = 86'400;
constexpr std::int64_t kYearSeconds = 31'556'952;

TEST_CASE("A line goes on as a line, without doubt", "[planner][growth_forecast]") {
  // Irregular steps.
  std::vector<GrowthPoint> points;
  for (const std::int64_t day : {0, 10, 11, 40, 45}) {
    points.push_back(
        {.time = day * kForecastDay, .bytes = 1000.0 + 20.0 * static_cast<double>(day)});
  }
  const GrowthForecast forecast(points, 0.8);
  CHECK(forecast.season() == 0);
  CHECK(forecast.bytes_a_second() * kForecastDay == Approx(20));
  const ForecastPoint point = forecast.At(100 * kForecastDay);
  CHECK(point.bytes == Approx(3000));
  CHECK(point.high - point.low == Approx(0).margin(1e-6));
  CHECK(forecast.Reaches(3000, GrowthForecast::Part::kExpected, kYearSeconds) ==
        100 * kForecastDay);
  CHECK(forecast.Reaches(1e9, GrowthForecast::Part::kExpected, kYearSeconds) == std::nullopt);
  CHECK(forecast.Reaches(5, GrowthForecast::Part::kLow, kYearSeconds) == 45 * kForecastDay);
}

TEST_CASE("Steps of one length grow by their mean, as textbooks have it",
          "[planner][growth_forecast]") {
  const std::vector<double> bytes = {10, 13, 14, 19, 20};  // steps 3 1 5 1: mean 2.5
  std::vector<GrowthPoint> points;
  for (std::size_t k = 0; k < bytes.size(); ++k) {
    points.push_back({.time = static_cast<std::int64_t>(k), .bytes = bytes[k]});
  }
  const GrowthForecast forecast(points, 0.8);
  const ForecastPoint point = forecast.At(4 + 6);
  CHECK(point.bytes == Approx(20 + 6 * 2.5));
  // Variance 11/3, t of 3 degrees of freedom 1.637744; 6 steps ahead of 4 learned from.
  CHECK(point.high - point.bytes ==
        Approx(1.637744 * std::sqrt(11.0 / 3 * (6 + 36.0 / 4))).epsilon(1e-6));
  CHECK(point.bytes - point.low == Approx(point.high - point.bytes));
}

TEST_CASE("Intervals hold as often as they say", "[planner][growth_forecast]") {
  std::mt19937 random(3);
  std::normal_distribution<double> step(5, 20);
  const int rounds = NumRounds(2000);
  int held = 0;
  for (int round = 0; round < rounds; ++round) {
    std::vector<GrowthPoint> points = {{.time = 0, .bytes = 100}};
    const auto next = [&] {
      return GrowthPoint{.time = points.back().time + 1,
                         .bytes = points.back().bytes + step(random)};
    };
    while (points.size() < 12) points.push_back(next());
    const GrowthForecast forecast(points, 0.8);
    while (points.size() < 18) points.push_back(next());
    const ForecastPoint expected = forecast.At(points.back().time);
    if (points.back().bytes >= expected.low && points.back().bytes <= expected.high) ++held;
  }
  const double share = static_cast<double>(held) / rounds;
  CHECK(share > 0.8 - 2.5 * std::sqrt(0.16 / rounds));
  CHECK(share < 0.8 + 2.5 * std::sqrt(0.16 / rounds));
}

TEST_CASE("A swing over the year is taken when two years show it", "[planner][growth_forecast]") {
  std::mt19937 random(5);
  std::normal_distribution<double> noise(0, 3);
  const auto bytes_at = [](std::int64_t time) {
    return 1000 + 1e-6 * static_cast<double>(time) +
           80 * std::sin(2 * std::numbers::pi * static_cast<double>(time) / kYearSeconds);
  };
  std::vector<GrowthPoint> points;
  double walk = 0;
  for (std::int64_t month = 0; month <= 36; ++month) {
    const std::int64_t time = month * (kYearSeconds / 12);
    walk += noise(random);
    points.push_back({.time = time, .bytes = bytes_at(time) + walk});
  }
  const GrowthForecast forecast(points, 0.9);
  REQUIRE(forecast.season() == kYearSeconds);
  for (const std::int64_t months : {3, 6, 9}) {
    const std::int64_t time = points.back().time + months * (kYearSeconds / 12);
    const ForecastPoint point = forecast.At(time);
    const double found = bytes_at(time) + walk;
    CHECK(found > point.low);
    CHECK(found < point.high);
    CHECK(std::abs(point.bytes - found) < 30);
  }
  // Of one year nothing is known of years.
  points.resize(13);
  CHECK(GrowthForecast(points, 0.9).season() == 0);
}

TEST_CASE("Chance alone is rarely taken for a season", "[planner][growth_forecast]") {
  std::mt19937 random(9);
  std::normal_distribution<double> step(5, 20);
  int taken = 0;
  const int rounds = NumRounds(300);
  for (int round = 0; round < rounds; ++round) {
    std::vector<GrowthPoint> points = {{.time = 0, .bytes = 100}};
    while (points.size() < 60) {
      points.push_back(
          {.time = points.back().time + kForecastDay, .bytes = points.back().bytes + step(random)});
    }
    taken += GrowthForecast(points, 0.8).season() != 0 ? 1 : 0;
  }
  CHECK(taken < rounds / 4);
}

}  // namespace
}  // namespace gneiss
