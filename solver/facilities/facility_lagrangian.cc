#include "solver/facilities/facility_lagrangian.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace gneiss {
namespace {

// A sum below this is no bound that anyone needs, and stays there whatever is added.
constexpr std::int64_t kLowestSum = -(std::int64_t{1} << 62);

// Parameters of the volume algorithm: steps shrink after so many in vain, and grow after each
// that helps.
constexpr int kVainSteps = 20;
constexpr double kShrink = 0.66;
constexpr double kGrow = 1.1;
constexpr double kGrowAlong = 2;  // when the new violation points the same way
constexpr double kLargestStep = 2;
constexpr double kSmallestStep = 1e-4;
constexpr double kMeanWeight = 0.1;  // the largest weight of a new violation in the mean
constexpr double kSmallestMeanWeight = 1e-3;
constexpr int kMeanRounds = 100;
constexpr int kPatience = 25;

}  // namespace

FacilityLagrangian::FacilityLagrangian(const FacilityModel& model)
    : model_(model),
      reduced_(model.num_facilities + std::size_t{1}),
      is_chosen_(model.num_facilities + std::size_t{1}),
      trial_(model.num_customers),
      violation_(model.num_customers),
      direction_(model.num_customers),
      estimate_(model.num_facilities) {}

std::int64_t FacilityLagrangian::Evaluate(const FacilityLimits& limits,
                                          std::span<const std::int64_t> prices) {
  tried_.assign(prices.begin(), prices.end());
  std::ranges::copy(model_.opening, reduced_.begin());
  std::int64_t sum = 0;
  num_paid_links_ = 0;
  std::int64_t* const reduced = reduced_.data();
  const std::int64_t* const cost = model_.cost.data();
  const std::uint32_t* const facility = model_.facility.data();
  for (std::uint32_t i = 0; i < model_.num_customers; ++i) {
    const std::int64_t price = prices[i];
    sum += price;
    std::uint64_t l = model_.first[i];
    for (; cost[l] < price; ++l) reduced[facility[l]] -= price - cost[l];
    num_paid_links_ += l - model_.first[i];
  }
  Choose(limits);
  if (chosen_.size() < limits.min_open || num_fixed_open_ > limits.max_open) return kNoChoice;
  for (const std::uint32_t j : chosen_) sum = std::max(sum + reduced_[j], kLowestSum);
  return sum;
}

void FacilityLagrangian::Choose(const FacilityLimits& limits) {
  chosen_.clear();
  candidates_.clear();
  num_free_ = 0;
  std::ranges::fill(is_chosen_, std::uint8_t{0});
  std::uint32_t num_negative = 0;
  for (std::uint32_t j = 0; j < model_.num_facilities; ++j) {
    if (limits.state[j] == FacilityState::kOpen) chosen_.push_back(j);
    if (limits.state[j] != FacilityState::kFree) continue;
    ++num_free_;
    if (reduced_[j] < 0) ++num_negative;
  }
  num_fixed_open_ = static_cast<std::uint32_t>(chosen_.size());
  const std::uint32_t at_least =
      limits.min_open > num_fixed_open_ ? limits.min_open - num_fixed_open_ : 0;
  const std::uint32_t at_most =
      limits.max_open > num_fixed_open_ ? limits.max_open - num_fixed_open_ : 0;
  const bool binds = num_negative < at_least || num_negative > at_most;
  for (std::uint32_t j = 0; j < model_.num_facilities; ++j) {
    if (limits.state[j] == FacilityState::kFree && (binds || reduced_[j] < 0)) {
      candidates_.push_back(j);
    }
  }
  if (binds) {
    const std::uint32_t number = std::min(num_negative < at_least ? at_least : at_most, num_free_);
    std::nth_element(candidates_.begin(), candidates_.begin() + number, candidates_.end(),
                     [&](std::uint32_t a, std::uint32_t b) {
                       return std::tie(reduced_[a], a) < std::tie(reduced_[b], b);
                     });
    candidates_.resize(number);
  }
  chosen_.insert(chosen_.end(), candidates_.begin(), candidates_.end());
  for (const std::uint32_t j : chosen_) is_chosen_[j] = 1;
}

std::uint32_t FacilityLagrangian::FixByReducedCost(std::int64_t bound, std::int64_t cutoff,
                                                   FacilityLimits& limits) const {
  // The dearest that is chosen and the cheapest that is not, of the free ones.
  std::int64_t dearest = kLowestSum;
  std::int64_t cheapest = kNoChoice;
  for (std::uint32_t j = 0; j < model_.num_facilities; ++j) {
    if (limits.state[j] != FacilityState::kFree) continue;
    if (is_chosen_[j] != 0) {
      dearest = std::max(dearest, reduced_[j]);
    } else {
      cheapest = std::min(cheapest, reduced_[j]);
    }
  }
  // Opening one lets another close, must where the most are open; closing one the same.
  const std::int64_t closed_for_it =
      chosen_.size() >= limits.max_open ? dearest : std::max<std::int64_t>(0, dearest);
  const std::int64_t opened_for_it =
      chosen_.size() <= limits.min_open ? cheapest : std::min<std::int64_t>(0, cheapest);
  const bool can_open = chosen_.size() < limits.max_open || dearest > kLowestSum;
  std::uint32_t num_fixed = 0;
  for (std::uint32_t j = 0; j < model_.num_facilities; ++j) {
    if (limits.state[j] != FacilityState::kFree) continue;
    if (is_chosen_[j] != 0) {
      if (opened_for_it < kNoChoice && bound - reduced_[j] + opened_for_it <= cutoff) continue;
      limits.state[j] = FacilityState::kOpen;
    } else {
      if (can_open && bound + reduced_[j] - closed_for_it <= cutoff) continue;
      limits.state[j] = FacilityState::kClosed;
    }
    ++num_fixed;
  }
  return num_fixed;
}

void FacilityLagrangian::FillViolation() {
  std::uint64_t links_of_chosen = 0;
  for (const std::uint32_t j : chosen_) {
    links_of_chosen += model_.column_first[j + 1] - model_.column_first[j];
  }
  if (links_of_chosen < num_paid_links_) {
    std::ranges::fill(violation_, 1.0);
    for (const std::uint32_t j : chosen_) {
      for (std::uint64_t c = model_.column_first[j]; c < model_.column_first[j + 1]; ++c) {
        const std::uint32_t i = model_.column_customer[c];
        violation_[i] -= model_.column_cost[c] < tried_[i] ? 1.0 : 0.0;
      }
    }
    return;
  }
  const std::int64_t* const cost = model_.cost.data();
  const std::uint32_t* const facility = model_.facility.data();
  for (std::uint32_t i = 0; i < model_.num_customers; ++i) {
    int served = 0;
    for (std::uint64_t l = model_.first[i]; cost[l] < tried_[i]; ++l) {
      served += is_chosen_[facility[l]];
    }
    violation_[i] = 1 - served;
  }
}

FacilityLagrangian::VolumeResult FacilityLagrangian::Improve(const FacilityLimits& limits,
                                                             const VolumeOptions& options,
                                                             std::span<std::int64_t> prices,
                                                             const std::function<bool()>& visit) {
  VolumeResult result{.bound = Evaluate(limits, prices), .step = options.first_step};
  FillViolation();
  direction_ = violation_;
  for (std::uint32_t j = 0; j < model_.num_facilities; ++j) estimate_[j] = is_chosen_[j];
  double mean_weight = kMeanWeight;
  std::int64_t bound_before = result.bound;
  std::int64_t bound_at_check = result.bound;
  int num_vain = 0;
  for (std::uint32_t iteration = 0; iteration < options.max_iterations; ++iteration) {
    if (visit && visit()) break;
    if (result.bound > options.cutoff || result.step < kSmallestStep) break;
    double norm = 0;
    for (const double d : direction_) norm += d * d;
    if (norm < 1e-9) break;
    // Towards a little more than what is known to be possible.
    const double aim = 1.02 * static_cast<double>(options.target - result.bound) +
                       1e-5 * static_cast<double>(options.target);
    const double step = result.step * aim / norm;
    for (std::uint32_t i = 0; i < model_.num_customers; ++i) {
      const auto by = static_cast<std::int64_t>(step * direction_[i]);
      trial_[i] = std::clamp(prices[i] + by, model_.cost[model_.first[i]], model_.unserved);
    }
    const std::int64_t bound = Evaluate(limits, trial_);
    FillViolation();
    double along = 0;
    double difference = 0;  // of the violation from the mean, squared
    double across = 0;
    for (std::uint32_t i = 0; i < model_.num_customers; ++i) {
      const double d = direction_[i];
      const double g = violation_[i];
      along += d * g;
      difference += (d - g) * (d - g);
      across += d * (d - g);
    }
    const double weight = difference > 0
                              ? std::clamp(across / difference, mean_weight / 10, mean_weight)
                              : mean_weight;
    for (std::uint32_t i = 0; i < model_.num_customers; ++i) {
      direction_[i] += weight * (violation_[i] - direction_[i]);
    }
    for (std::uint32_t j = 0; j < model_.num_facilities; ++j) {
      estimate_[j] += weight * (is_chosen_[j] - estimate_[j]);
    }
    if (bound > result.bound) {
      result.bound = bound;
      std::ranges::copy(trial_, prices.begin());
      result.step = std::min(kLargestStep, result.step * (along > 0 ? kGrowAlong : kGrow));
      num_vain = 0;
    } else if (++num_vain >= kVainSteps) {
      result.step *= kShrink;
      num_vain = 0;
    }
    if (iteration % kPatience == kPatience - 1) {
      if (static_cast<double>(result.bound - bound_at_check) <
          options.least_progress * static_cast<double>(options.target - result.bound)) {
        break;
      }
      bound_at_check = result.bound;
    }
    if (iteration % kMeanRounds == kMeanRounds - 1) {
      // The mean gets longer where the bound no longer rises by a hundredth of a per cent.
      if (static_cast<double>(result.bound - bound_before) <
          1e-4 * std::abs(static_cast<double>(result.bound))) {
        mean_weight = std::max(kSmallestMeanWeight, mean_weight / 2);
      }
      bound_before = result.bound;
    }
  }
  return result;
}

}  // namespace gneiss
