#include "planner/questions/growth_forecast.h"

#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>

#include <Eigen/Dense>
#include <boost/math/distributions/students_t.hpp>

namespace gneiss {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::array<std::int64_t, 2> kSeasons = {7 * kDay, 31'556'952};  // a week, a year
// Points that a season needs to be told from chance.
constexpr std::int64_t kPointsPerSeason = 4;

double Angle(double seconds, std::int64_t season) {
  return 2 * std::numbers::pi * seconds / static_cast<double>(season);
}

// Whether two of them are seen, with points close enough.
bool MaySee(std::span<const GrowthPoint> points, std::int64_t season) {
  const std::int64_t span = points.back().time - points.front().time;
  return span >= 2 * season && span / std::ssize(points) <= season / kPointsPerSeason;
}

}  // namespace

struct GrowthForecast::Fit {
  double drift = 0;
  double drift_variance = 0;
  double sine = 0;
  double cosine = 0;
  double variance = 0;
  double freedom = 1;
  double criterion = 0;  // Akaike's, corrected; of the same steps lower is better
};

GrowthForecast::Fit GrowthForecast::FitSteps(std::span<const GrowthPoint> points,
                                             std::int64_t season) {
  const auto num_steps = static_cast<Eigen::Index>(points.size() - 1);
  const Eigen::Index num_terms = season == 0 ? 1 : 3;
  // Rows are divided by the root of the step's length: then all have one variance.
  Eigen::MatrixXd terms(num_steps, num_terms);
  Eigen::VectorXd steps(num_steps);
  for (Eigen::Index i = 0; i < num_steps; ++i) {
    const GrowthPoint& from = points[static_cast<std::size_t>(i)];
    const GrowthPoint& to = points[static_cast<std::size_t>(i) + 1];
    const auto length = static_cast<double>(to.time - from.time);
    const double weight = 1 / std::sqrt(length);
    steps(i) = (to.bytes - from.bytes) * weight;
    terms(i, 0) = length * weight;
    if (season == 0) continue;
    const double begin = Angle(static_cast<double>(from.time), season);
    const double end = Angle(static_cast<double>(to.time), season);
    terms(i, 1) = (std::sin(end) - std::sin(begin)) * weight;
    terms(i, 2) = (std::cos(end) - std::cos(begin)) * weight;
  }
  // Columns of seconds and of sines differ by orders of magnitude; QR with scaled columns does not
  // square that.
  const Eigen::VectorXd scale = terms.colwise().norm().cwiseMax(1e-300).transpose();
  const Eigen::MatrixXd scaled = terms * scale.cwiseInverse().asDiagonal();
  const Eigen::ColPivHouseholderQR<Eigen::MatrixXd> solver(scaled);
  const Eigen::VectorXd solution = solver.solve(steps).cwiseQuotient(scale);
  const double residual = (steps - terms * solution).squaredNorm();
  Fit fit;
  fit.drift = solution(0);
  if (season != 0) {
    fit.sine = solution(1);
    fit.cosine = solution(2);
  }
  const auto n = static_cast<double>(num_steps);
  const auto k = static_cast<double>(num_terms);
  fit.freedom = n - k;
  fit.variance = residual / fit.freedom;
  const Eigen::MatrixXd inverse = (scaled.transpose() * scaled).inverse();
  fit.drift_variance = fit.variance * inverse(0, 0) / (scale(0) * scale(0));
  // One term more for the variance. A residual of nothing is as good as can be.
  const double parameters = k + 1;
  fit.criterion = residual <= 0
                      ? -std::numeric_limits<double>::infinity()
                      : n * std::log(residual / n) + 2 * parameters +
                            2 * parameters * (parameters + 1) / std::max(1.0, n - parameters - 1);
  return fit;
}

GrowthForecast::GrowthForecast(std::span<const GrowthPoint> points, double confidence)
    : last_(points.back()) {
  assert(points.size() >= kFewestPoints);
  Fit best = FitSteps(points, 0);
  for (const std::int64_t season : kSeasons) {
    if (!MaySee(points, season)) continue;
    const Fit fit = FitSteps(points, season);
    if (fit.criterion < best.criterion) {
      best = fit;
      season_ = season;
    }
  }
  drift_ = best.drift;
  drift_variance_ = best.drift_variance;
  variance_ = best.variance;
  // In double throughout: what long double is depends on the machine, and valgrind has none.
  using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
  const boost::math::students_t_distribution<double, Policy> distribution(best.freedom);
  quantile_ = boost::math::quantile(distribution, (1 + confidence) / 2);
  sine_ = best.sine;
  cosine_ = best.cosine;
}

double GrowthForecast::SwingAt(double seconds) const {
  if (season_ == 0) return 0;
  const double angle = Angle(seconds, season_);
  return sine_ * std::sin(angle) + cosine_ * std::cos(angle);
}

double GrowthForecast::bytes_a_second_margin() const {
  return quantile_ * std::sqrt(drift_variance_);
}

ForecastPoint GrowthForecast::At(std::int64_t time) const {
  const auto ahead = static_cast<double>(time - last_.time);
  const double bytes = last_.bytes + drift_ * ahead + SwingAt(static_cast<double>(time)) -
                       SwingAt(static_cast<double>(last_.time));
  const double margin = quantile_ * std::sqrt(variance_ * ahead + drift_variance_ * ahead * ahead);
  return {.time = time, .bytes = bytes, .low = bytes - margin, .high = bytes + margin};
}

std::optional<std::int64_t> GrowthForecast::Reaches(double limit, Part part,
                                                    std::int64_t horizon) const {
  for (std::int64_t ahead = 0; ahead <= horizon; ahead += kDay) {
    const ForecastPoint point = At(last_.time + ahead);
    const double bytes = part == Part::kLow    ? point.low
                         : part == Part::kHigh ? point.high
                                               : point.bytes;
    if (bytes >= limit) return point.time;
  }
  return std::nullopt;
}

}  // namespace gneiss
