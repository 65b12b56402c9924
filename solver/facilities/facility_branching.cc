#include "solver/facilities/facility_branching.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace gneiss {
namespace {

constexpr int kMostAdjustments = 30;
constexpr int kLambdaSteps = 14;
constexpr std::uint32_t kRootIterations = 3000;
constexpr std::uint32_t kNodeIterations = 150;
constexpr double kNodeProgress = 0.03;
constexpr std::uint32_t kIterationsPerPlan = 50;
constexpr double kRootStep = 0.1;
constexpr double kSmallerModel = 0.7;  // of the facilities, or less, get a model of their own
constexpr std::uint64_t kNodesPerPlan = 8;

}  // namespace

FacilitySearch::FacilitySearch(const FacilityModel& model, std::span<const std::uint32_t> name,
                               const FacilityOptions& options, FacilityProgress& progress)
    : model_(model),
      name_(name),
      options_(options),
      progress_(progress),
      ascent_(model, [this] { return ShouldStop(); }),
      lagrangian_(model),
      local_search_(model),
      is_open_(model.num_facilities) {}

bool FacilitySearch::ShouldStop() {
  if (!progress_.stopped && options_.should_stop && options_.should_stop()) {
    progress_.stopped = true;
  }
  return progress_.stopped;
}

std::int64_t FacilitySearch::Ceiling(std::int64_t bound) const {
  if (bound >= kNoChoice) return kNoCost;
  const std::int64_t unit = std::int64_t{1} << model_.shift;
  return std::max<std::int64_t>(0, (bound + unit - 1) >> model_.shift);
}

// The lowest bound that ends the search below a node.
std::int64_t FacilitySearch::Needed() const {
  // Without a plan, what no plan costs.
  if (progress_.cost == kNoCost) return model_.unserved >> model_.shift;
  return progress_.cost - static_cast<std::int64_t>(std::min(1.0, options_.gap_tolerance) *
                                                    static_cast<double>(progress_.cost));
}

std::int64_t FacilitySearch::Target() const {
  return (progress_.cost == kNoCost ? model_.unserved : progress_.cost << model_.shift);
}

bool FacilitySearch::Prune(std::int64_t bound) {
  if (Ceiling(bound) < Needed()) return false;
  progress_.left_bound = std::min(progress_.left_bound, Ceiling(bound));
  return true;
}

void FacilitySearch::TryPlan(std::span<const std::uint32_t> open, const FacilityLimits& limits) {
  local_search_.Improve(open, limits, [this] { return ShouldStop(); });
  const auto found = local_search_.open();
  const std::int64_t cost = local_search_.cost() >> model_.shift;
  if (cost >= progress_.cost || !local_search_.serves_all()) return;
  progress_.cost = cost;
  progress_.open.clear();
  for (const std::uint32_t j : found) progress_.open.push_back(name_[j]);
}

// The bound with what it fixes fixed. Fixing leaves out what costs as much as the search needs.
std::int64_t FacilitySearch::Fix(FacilityLimits& limits, std::span<const std::int64_t> prices) {
  const std::int64_t bound = lagrangian_.Evaluate(limits, prices);
  ++progress_.num_evaluations;
  if (bound > Cutoff() || lagrangian_.FixByReducedCost(bound, Cutoff(), limits) == 0) return bound;
  progress_.left_bound = std::min(progress_.left_bound, Needed());
  return bound;
}

// Ascent and adjustment at opening costs f + lambda. Keeps what it finds if the bound is better.
// Returns how many facilities cover all customers.
std::int64_t FacilitySearch::AscendWith(std::int64_t lambda, const FacilityLimits& limits,
                                        std::vector<std::int64_t>& best, std::int64_t& bound) {
  ++progress_.num_ascents;
  ascent_.Ascend(limits.state, lambda, trial_);
  ascent_.Cover(limits.state, trial_, cover_);
  const std::int64_t found = lagrangian_.Evaluate(limits, trial_);
  ++progress_.num_evaluations;
  if (found > bound) {
    bound = found;
    best = trial_;
  }
  return static_cast<std::int64_t>(cover_.size());
}

void FacilitySearch::AscendAtRoot(const FacilityLimits& limits, std::vector<std::int64_t>& prices,
                                  std::int64_t& bound) {
  trial_.assign(model_.num_customers, 0);
  std::int64_t num_open = AscendWith(0, limits, prices, bound);
  TryPlan(cover_, limits);
  if (Prune(bound)) return;
  std::int64_t lambda = 0;
  if (num_open > limits.max_open || num_open < limits.min_open) {
    // The fewest are open at a high lambda. Doubling finds a range, halving the value.
    const bool too_many = num_open > limits.max_open;
    std::int64_t low = 0;
    std::int64_t high = 0;
    if (too_many) {
      high = std::max<std::int64_t>(1, bound / (4 * std::int64_t{limits.max_open} + 1));
      while (high < model_.unserved) {
        trial_.assign(model_.num_customers, 0);
        if (AscendWith(high, limits, prices, bound) <= limits.max_open || ShouldStop()) break;
        low = high;
        high = std::min(model_.unserved, 2 * high);
      }
    } else {
      low = -*std::ranges::max_element(model_.opening);
    }
    const std::int64_t wanted = too_many ? limits.max_open : limits.min_open;
    for (int step = 0; step < kLambdaSteps && high - low > 1 && !ShouldStop(); ++step) {
      lambda = low + (high - low) / 2;
      trial_.assign(model_.num_customers, 0);
      num_open = AscendWith(lambda, limits, prices, bound);
      if (num_open == wanted) break;
      (num_open > wanted ? low : high) = lambda;
    }
    TryPlan(cover_, limits);
  }
  for (int round = 0; round < kMostAdjustments && !Prune(bound) && !ShouldStop(); ++round) {
    std::ranges::fill(is_open_, std::uint8_t{0});
    for (const std::uint32_t j : cover_) is_open_[j] = 1;
    const std::int64_t rise = ascent_.Adjust(is_open_, trial_);
    ++progress_.num_ascents;
    ++progress_.num_evaluations;
    const std::int64_t found = lagrangian_.Evaluate(limits, trial_);
    if (found > bound) {
      bound = found;
      prices = trial_;
    }
    ascent_.Cover(limits.state, trial_, cover_);
    const auto gap = static_cast<double>(Target() - bound);
    if (static_cast<double>(rise) < 0.02 * gap) break;
  }
  TryPlan(cover_, limits);
}

bool FacilitySearch::SolveRoot(FacilityLimits& limits, std::vector<std::int64_t>& prices,
                               std::int64_t& bound) {
  ++progress_.num_nodes;
  prices.assign(model_.num_customers, 0);
  bound = 0;
  if (!ShouldStop()) AscendAtRoot(limits, prices, bound);
  std::uint32_t iteration = 0;
  if (!progress_.stopped && !Prune(bound)) {
    const auto visit = [&] {
      ++progress_.num_evaluations;
      if (iteration++ % kIterationsPerPlan == kIterationsPerPlan - 1) {
        start_.assign(lagrangian_.chosen().begin(), lagrangian_.chosen().end());
        TryPlan(start_, limits);
      }
      return ShouldStop();
    };
    const auto found = lagrangian_.Improve(limits,
                                           {.max_iterations = kRootIterations,
                                            .target = Target(),
                                            .cutoff = Cutoff(),
                                            .first_step = kRootStep},
                                           prices, visit);
    bound = found.bound;
  }
  if (Prune(bound)) return true;
  if (progress_.stopped) {
    progress_.left_bound = std::min(progress_.left_bound, Ceiling(bound));
    return true;
  }
  Fix(limits, prices);
  return false;
}

// One plan is left: tries it.
bool FacilitySearch::IsLeaf(const FacilityLimits& limits) {
  std::uint32_t num_open = 0;
  std::uint32_t num_free = 0;
  start_.clear();
  for (std::uint32_t j = 0; j < model_.num_facilities; ++j) {
    if (limits.state[j] == FacilityState::kFree) ++num_free;
    if (limits.state[j] == FacilityState::kOpen) start_.push_back(j);
  }
  num_open = static_cast<std::uint32_t>(start_.size());
  if (num_open > limits.max_open || num_open + num_free < limits.min_open) return true;
  if (num_free > 0 && num_open < limits.max_open && num_open + num_free > limits.min_open) {
    return false;
  }
  if (num_open < limits.max_open) {
    for (std::uint32_t j = 0; j < model_.num_facilities; ++j) {
      if (limits.state[j] == FacilityState::kFree) start_.push_back(j);
    }
  }
  TryPlan(start_, base_);
  return true;
}

void FacilitySearch::Branch(FacilityLimits limits, std::vector<std::int64_t> prices,
                            std::int64_t bound) {
  base_ = limits;
  pending_.clear();
  Push({.limits = std::move(limits),
        .prices = std::move(prices),
        .bound = bound,
        .step = kRootStep});
  const std::size_t most_pending =
      options_.pending_bytes /
      (sizeof(std::int64_t) * model_.num_customers + model_.num_facilities + 1);
  while (!pending_.empty()) {
    if (ShouldStop() || progress_.num_nodes >= options_.max_nodes) {
      progress_.stopped = true;
      progress_.left_bound = std::min(progress_.left_bound, Ceiling(pending_.begin()->first));
      return;
    }
    // Where there is no room for more, the nearest to its end.
    const auto next = pending_.size() < most_pending
                          ? pending_.begin()
                          : pending_.lower_bound(std::prev(pending_.end())->first);
    Node node = std::move(pending_.extract(next).mapped());
    if (!Prune(node.bound)) SolveNode(node);
  }
}

void FacilitySearch::Push(Node node) {
  const std::int64_t bound = node.bound;
  pending_.emplace_hint(pending_.lower_bound(bound), bound, std::move(node));
}

void FacilitySearch::SolveNode(Node& node) {
  ++progress_.num_nodes;
  node.bound = std::max(node.bound, Fix(node.limits, node.prices));
  if (Prune(node.bound) || IsLeaf(node.limits)) return;
  const auto visit = [&] {
    ++progress_.num_evaluations;
    return ShouldStop();
  };
  const auto found = lagrangian_.Improve(node.limits,
                                         {.max_iterations = kNodeIterations,
                                          .target = Target(),
                                          .cutoff = Cutoff(),
                                          .least_progress = kNodeProgress,
                                          .first_step = std::max(node.step, 0.02)},
                                         node.prices, visit);
  node.bound = std::max(node.bound, found.bound);
  node.step = found.step;
  if (Prune(node.bound)) return;
  if (progress_.num_nodes % kNodesPerPlan == 0) {
    Fix(node.limits, node.prices);
    start_.assign(lagrangian_.chosen().begin(), lagrangian_.chosen().end());
    TryPlan(start_, base_);
  }
  node.bound = std::max(node.bound, Fix(node.limits, node.prices));
  if (Prune(node.bound) || IsLeaf(node.limits)) return;
  Expand(node);
}

// Searches below the node in a model without what is closed there, which is quicker to go through.
// False when that is too little to be worth it.
bool FacilitySearch::BranchInSmallerModel(Node& node) {
  std::vector<std::uint32_t> keep;
  for (std::uint32_t j = 0; j < model_.num_facilities; ++j) {
    if (node.limits.state[j] != FacilityState::kClosed) keep.push_back(j);
  }
  if (static_cast<double>(keep.size()) > kSmallerModel * model_.num_facilities) return false;
  FacilityLimits limits{
      .min_open = node.limits.min_open,
      .max_open = std::min(node.limits.max_open, static_cast<std::uint32_t>(keep.size()))};
  std::vector<std::uint32_t> name;
  for (const std::uint32_t j : keep) {
    limits.state.push_back(node.limits.state[j]);
    name.push_back(name_[j]);
  }
  const FacilityModel model(model_, keep);
  FacilitySearch(model, name, options_, progress_)
      .Branch(std::move(limits), std::move(node.prices), node.bound);
  return true;
}

void FacilitySearch::Expand(Node& node) {
  if (BranchInSmallerModel(node)) return;
  const auto estimate = lagrangian_.estimate();
  std::uint32_t branch = kNoFacility;
  double best = -1;
  for (std::uint32_t j = 0; j < model_.num_facilities; ++j) {
    if (node.limits.state[j] != FacilityState::kFree) continue;
    const double score = estimate[j] * (1 - estimate[j]);
    if (score > best) {
      best = score;
      branch = j;
    }
  }
  Node opened = node;
  opened.limits.state[branch] = FacilityState::kOpen;
  node.limits.state[branch] = FacilityState::kClosed;
  // The last is searched first.
  if (estimate[branch] >= 0.5) {
    Push(std::move(node));
    Push(std::move(opened));
  } else {
    Push(std::move(opened));
    Push(std::move(node));
  }
}

}  // namespace gneiss
