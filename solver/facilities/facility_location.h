// Uncapacitated facility location, with or without limits on how many facilities are open (p-median
// with opening costs): plan, lower bound, and proof by branch and bound.
//
//     minimise  sum_j f_j y_j + sum_ij c_ij x_ij
//     subject to  sum_j x_ij = 1,  0 <= x_ij <= y_j,  y_j in {0, 1},  min_open <= sum_j y_j <=
//     max_open
//
// The bound. With a price v_i for serving customer i, and rho_j = f_j - sum_i max(0, v_i - c_ij),
//
//     L(v) = sum_i v_i + min { sum_j rho_j y_j : y as above }  <=  optimum,  for every v,
//
// and max_v L(v) is the bound of the linear program. Everything is computed in integers (fixed
// point below the caller's unit), so L(v) is exact and its ceiling is a bound without tolerances.
//
// How v is found. Dual ascent with adjustment (solver/facilities/facility_dual_ascent.h;
// Erlenkotter, "A dual-based procedure for uncapacitated facility location", Operations Research
// 26(6), 1978) is often all. Where it stalls, the volume algorithm goes on from its prices
// (solver/facilities/facility_lagrangian.h). With limits, the ascent runs at opening costs f_j +
// lambda.
//
// The plan. Facilities that are tight or chosen in L(v), improved by add, drop and swap
// (solver/facilities/facility_local_search.h). What gap is left is closed by branching on
// facilities, lowest bound first, with facilities fixed by their reduced costs
// (solver/facilities/facility_branching.h).
//
// Leaves out: capacities; what customers and facilities mean; time. Same problem, same answer, as
// long as should_stop does not end the run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

namespace gneiss {

struct FacilityLink {
  std::uint32_t facility = 0;
  std::int64_t cost = 0;  // of serving the customer from there, >= 0

  friend bool operator==(const FacilityLink&, const FacilityLink&) = default;
};

// Views; the caller keeps the arrays alive.
struct FacilityProblem {
  std::span<const std::int64_t> opening_cost;  // per facility, >= 0
  // Customer i may be served by links[first_link[i] .. first_link[i + 1]), in ascending cost, each
  // facility at most once. Other facilities are not allowed to it.
  std::span<const std::uint64_t> first_link;  // num_customers() + 1; empty for no customers
  std::span<const FacilityLink> links;

  std::uint32_t num_facilities() const { return static_cast<std::uint32_t>(opening_cost.size()); }
  std::uint32_t num_customers() const {
    return first_link.empty() ? 0 : static_cast<std::uint32_t>(first_link.size() - 1);
  }
  std::span<const FacilityLink> links_of(std::uint32_t customer) const {
    return links.subspan(first_link[customer], first_link[customer + 1] - first_link[customer]);
  }
};

inline constexpr std::uint32_t kNoFacility = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::int64_t kNoCost = std::numeric_limits<std::int64_t>::max();

struct FacilityOptions {
  // How many facilities are open; both k for exactly k.
  std::uint32_t min_open = 0;
  std::uint32_t max_open = std::numeric_limits<std::uint32_t>::max();
  std::span<const std::uint32_t> forced_open;  // pinned: open whatever they cost; count as open
  std::span<const std::uint32_t> start;  // a plan to start from, need not be feasible; or none
  double gap_tolerance = 0;              // stop at a gap of this or less
  std::uint64_t max_nodes = std::numeric_limits<std::uint64_t>::max();  // of branch and bound
  // Memory of nodes that wait, in each model; with more, the highest bounds go first.
  std::size_t pending_bytes = std::size_t{1} << 28;
  // Asked between passes over the links, from this thread; true ends the run with the best so far.
  // May be empty.
  std::function<bool()> should_stop;
};

enum class FacilityStatus {
  kOptimal,     // cost == lower_bound
  kGapReached,  // gap() <= gap_tolerance
  kStopped,     // should_stop or max_nodes; both numbers still hold
  kInfeasible,  // a customer without links, more forced than max_open, min_open more than there
                // are, or no max_open facilities serve all customers
};

struct FacilityPlan {
  FacilityStatus status = FacilityStatus::kOptimal;
  std::vector<std::uint32_t> open;        // ascending
  std::vector<std::uint32_t> assignment;  // per customer the cheapest open, the first of equals
  // kNoCost, with nothing open, when infeasible, or stopped before any plan was found (only where
  // links are missing and max_open binds; elsewhere a plan is there at once).
  std::int64_t cost = kNoCost;
  std::int64_t lower_bound = 0;  // no plan costs less; kNoCost when infeasible
  std::int64_t root_bound = 0;   // before any branching: about that of the linear program
  std::uint64_t num_nodes = 0;   // of branch and bound, the root among them
  std::uint64_t num_ascents = 0;
  std::uint64_t num_evaluations = 0;  // of L(v)

  // (cost - lower_bound) / cost; 0 when both are 0, 1 without a plan.
  [[nodiscard]] double gap() const;
};

// REQUIRES: the shapes above; facilities of links, forced_open and start below num_facilities();
// with F the sum of opening costs, C_i the largest cost of customer i, and P = F + max_i C_i, or
// F + sum_i C_i where max_open < num_facilities() and a link is missing:
// (num_customers() + 2) * (P + 1) < 2^60.
[[nodiscard]] FacilityPlan SolveFacilityLocation(const FacilityProblem& problem,
                                                 const FacilityOptions& options = {});

// Cost of opening exactly these facilities, by the definition above; kNoCost when a customer has
// none of them. REQUIRES: they are distinct.
[[nodiscard]] std::int64_t CostOfOpening(const FacilityProblem& problem,
                                         std::span<const std::uint32_t> open);

}  // namespace gneiss
