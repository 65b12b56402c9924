#include "solver/facilities/facility_location.h"

#include <algorithm>
#include <numeric>

#include "solver/facilities/facility_branching.h"
#include "solver/facilities/facility_model.h"

namespace gneiss {
namespace {

// Assignment and cost of plan.open.
void FillPlan(const FacilityProblem& problem, FacilityPlan& plan) {
  std::vector<std::uint8_t> is_open(problem.num_facilities());
  plan.cost = 0;
  for (const std::uint32_t j : plan.open) {
    is_open[j] = 1;
    plan.cost += problem.opening_cost[j];
  }
  plan.assignment.assign(problem.num_customers(), kNoFacility);
  for (std::uint32_t i = 0; i < problem.num_customers(); ++i) {
    std::int64_t best = kNoCost;
    for (const FacilityLink& link : problem.links_of(i)) {
      if (link.cost > best) break;
      if (is_open[link.facility] == 0 || link.facility >= plan.assignment[i]) continue;
      best = link.cost;
      plan.assignment[i] = link.facility;
    }
    if (best == kNoCost) {
      plan.cost = kNoCost;
      return;
    }
    plan.cost += best;
  }
}

FacilityPlan Infeasible() {
  return {.status = FacilityStatus::kInfeasible, .lower_bound = kNoCost};
}

void SearchForPlan(const FacilityProblem& problem, const FacilityOptions& options,
                   FacilityLimits limits, FacilityProgress& progress) {
  const FacilityModel model(problem, limits.max_open);
  std::vector<std::uint32_t> name(model.num_facilities);
  std::iota(name.begin(), name.end(), 0U);
  FacilitySearch search(model, name, options, progress);
  // A plan before anything can stop the run: the cheapest of every customer.
  std::vector<std::uint32_t> start;
  for (std::uint32_t i = 0; i < model.num_customers; ++i) {
    start.push_back(model.facility[model.first[i]]);
  }
  search.TryPlan(start, limits);
  if (!options.start.empty()) search.TryPlan(options.start, limits);
  std::vector<std::int64_t> prices;
  std::int64_t bound = 0;
  const bool is_done = search.SolveRoot(limits, prices, bound);
  progress.root_bound = search.Ceiling(bound);
  if (is_done) return;
  search.Branch(std::move(limits), std::move(prices), bound);
}

}  // namespace

double FacilityPlan::gap() const {
  if (status == FacilityStatus::kInfeasible || cost == lower_bound) return 0;
  if (cost == kNoCost) return 1;
  return static_cast<double>(cost - lower_bound) / static_cast<double>(cost);
}

FacilityPlan SolveFacilityLocation(const FacilityProblem& problem, const FacilityOptions& options) {
  const std::uint32_t m = problem.num_facilities();
  FacilityLimits limits{.state = std::vector<FacilityState>(m, FacilityState::kFree),
                        .min_open = options.min_open,
                        .max_open = std::min(options.max_open, m)};
  std::uint32_t num_forced = 0;
  for (const std::uint32_t j : options.forced_open) {
    if (limits.state[j] == FacilityState::kFree) ++num_forced;
    limits.state[j] = FacilityState::kOpen;
  }
  if (num_forced > limits.max_open || limits.min_open > limits.max_open) return Infeasible();
  for (std::uint32_t i = 0; i < problem.num_customers(); ++i) {
    if (problem.links_of(i).empty()) return Infeasible();
  }
  // A customer needs one.
  if (problem.num_customers() > 0 && limits.max_open == 0) return Infeasible();

  FacilityProgress progress;
  SearchForPlan(problem, options, std::move(limits), progress);
  if (progress.cost == kNoCost && !progress.stopped) return Infeasible();

  FacilityPlan plan{.open = std::move(progress.open),
                    .root_bound = progress.root_bound,
                    .num_nodes = progress.num_nodes,
                    .num_ascents = progress.num_ascents,
                    .num_evaluations = progress.num_evaluations};
  plan.lower_bound = std::min(progress.left_bound, progress.cost);
  if (progress.cost != kNoCost) {
    std::ranges::sort(plan.open);
    FillPlan(problem, plan);
  }
  if (plan.cost == plan.lower_bound) {
    plan.status = FacilityStatus::kOptimal;
  } else if (plan.cost != kNoCost && plan.gap() <= options.gap_tolerance) {
    plan.status = FacilityStatus::kGapReached;
  } else {
    plan.status = FacilityStatus::kStopped;
  }
  return plan;
}

std::int64_t CostOfOpening(const FacilityProblem& problem, std::span<const std::uint32_t> open) {
  FacilityPlan plan{.open = {open.begin(), open.end()}};
  FillPlan(problem, plan);
  return plan.cost;
}

}  // namespace gneiss
