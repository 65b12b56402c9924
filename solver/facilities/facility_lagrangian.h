// The Lagrangian bound of facility location,
//     L(v) = sum_i v_i + min { sum_j rho_j y_j },  rho_j = f_j - sum_i max(0, v_i - c_ij),
// y within the limits: what is fixed is fixed, and the number of open facilities is in its range.
// Valid for every v, and computed exactly. Improved by the volume algorithm (Barahona and Anbil,
// Mathematical Programming 87, 2000; for facility location Barahona and Chudak, Discrete
// Optimization 2, 2005), which also yields an estimate of the linear program's y, to branch by.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "solver/facilities/facility_model.h"

namespace gneiss {

// For a bound that cannot be met: there is no choice within the limits.
inline constexpr std::int64_t kNoChoice = std::numeric_limits<std::int64_t>::max() / 2;

class FacilityLagrangian {
 public:
  // Keeps a view of `model`, which must outlive it.
  explicit FacilityLagrangian(const FacilityModel& model);

  // L(prices) in fixed point, and the y that attains it. Among equal rho the lower facility is
  // taken. REQUIRES: 0 <= prices <= unserved.
  std::int64_t Evaluate(const FacilityLimits& limits, std::span<const std::int64_t> prices);

  // Of the last call of Evaluate.
  std::span<const std::int64_t> reduced_cost() const { return reduced_; }
  std::span<const std::uint32_t> chosen() const { return chosen_; }

  // Fixes each free facility whose other choice raises the bound of the last Evaluate above
  // `cutoff`. Returns how many.
  std::uint32_t FixByReducedCost(std::int64_t bound, std::int64_t cutoff,
                                 FacilityLimits& limits) const;

  struct VolumeOptions {
    std::uint32_t max_iterations = 1000;
    std::int64_t target = 0;          // of the steps: cost of the best plan
    std::int64_t cutoff = kNoChoice;  // a bound above it is enough
    double least_progress = 0;        // in 25 iterations, of the gap to target; less ends the run
    double first_step = 0.1;          // the factor of the Polyak step to begin with
  };
  struct VolumeResult {
    std::int64_t bound = 0;
    double step = 0;  // the factor that it ended with
  };
  // Raises L from `prices`, which are set to the best found. `visit` (may be empty) sees each
  // iteration after Evaluate, and ends the run by returning true.
  VolumeResult Improve(const FacilityLimits& limits, const VolumeOptions& options,
                       std::span<std::int64_t> prices, const std::function<bool()>& visit);

  // Per facility, of the last Improve: about the linear program's y.
  std::span<const double> estimate() const { return estimate_; }

 private:
  void Choose(const FacilityLimits& limits);
  void FillViolation();

  const FacilityModel& model_;
  std::vector<std::int64_t> reduced_;
  std::vector<std::uint32_t> chosen_;      // fixed open ones among them
  std::vector<std::uint32_t> candidates_;  // scratch of Choose
  std::vector<std::uint8_t> is_chosen_;
  std::uint32_t num_fixed_open_ = 0;
  std::uint32_t num_free_ = 0;
  std::uint64_t num_paid_links_ = 0;  // with a price above their cost, in the last Evaluate

  std::vector<std::int64_t> trial_;
  std::vector<std::int64_t> tried_;  // the prices of the last Evaluate
  std::vector<double> violation_;    // per customer, 1 - how often y serves it
  std::vector<double> direction_;    // mean of violations
  std::vector<double> estimate_;
};

}  // namespace gneiss
