// Branch and bound for facility location, lowest bound first, so that what is proven rises for as
// long as it runs: at each node the Lagrangian bound from its parent's prices, facilities fixed by
// reduced cost, then a facility to branch on by the linear program's estimate. Only the root has
// dual ascent, and it has more time.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "solver/facilities/facility_dual_ascent.h"
#include "solver/facilities/facility_lagrangian.h"
#include "solver/facilities/facility_local_search.h"
#include "solver/facilities/facility_model.h"

namespace gneiss {

// What a run has found and done so far, in the caller's facilities and unit.
struct FacilityProgress {
  std::vector<std::uint32_t> open;
  std::int64_t cost = kNoCost;
  // What has been left unsearched, because it was within the tolerance or the run ended, costs at
  // least this.
  std::int64_t left_bound = kNoCost;
  std::int64_t root_bound = 0;
  bool stopped = false;
  std::uint64_t num_nodes = 0;
  std::uint64_t num_ascents = 0;
  std::uint64_t num_evaluations = 0;
};

class FacilitySearch {
 public:
  // Facility j of the model is name[j] for the caller. Keeps views of all, which must outlive it.
  FacilitySearch(const FacilityModel& model, std::span<const std::uint32_t> name,
                 const FacilityOptions& options, FacilityProgress& progress);

  // Ascent, volume and local search at the root; fixes facilities in `limits`, sets `prices` to the
  // best found (one per customer). True when nothing is left to search.
  bool SolveRoot(FacilityLimits& limits, std::vector<std::int64_t>& prices, std::int64_t& bound);

  // Searches all within the limits, from prices of a node above and its bound in fixed point.
  void Branch(FacilityLimits limits, std::vector<std::int64_t> prices, std::int64_t bound);

  // A bound in fixed point, in the caller's unit.
  std::int64_t Ceiling(std::int64_t bound) const;

  // Local search from these (indices of the model).
  void TryPlan(std::span<const std::uint32_t> open, const FacilityLimits& limits);

 private:
  struct Node {
    FacilityLimits limits;
    std::vector<std::int64_t> prices;
    std::int64_t bound = 0;  // in fixed point, of its parent
    double step = 0;
  };

  bool ShouldStop();
  std::int64_t Needed() const;
  std::int64_t Cutoff() const { return ((Needed() - 1) << model_.shift); }
  std::int64_t Target() const;
  bool Prune(std::int64_t bound);
  std::int64_t Fix(FacilityLimits& limits, std::span<const std::int64_t> prices);
  void AscendAtRoot(const FacilityLimits& limits, std::vector<std::int64_t>& prices,
                    std::int64_t& bound);
  std::int64_t AscendWith(std::int64_t lambda, const FacilityLimits& limits,
                          std::vector<std::int64_t>& best, std::int64_t& bound);
  bool IsLeaf(const FacilityLimits& limits);
  void Expand(Node& node);
  bool BranchInSmallerModel(Node& node);
  void SolveNode(Node& node);
  void Push(Node node);

  const FacilityModel& model_;
  std::span<const std::uint32_t> name_;
  const FacilityOptions& options_;
  FacilityProgress& progress_;
  DualAscent ascent_;
  FacilityLagrangian lagrangian_;
  FacilityLocalSearch local_search_;
  std::vector<std::uint32_t> cover_;
  std::vector<std::uint8_t> is_open_;
  std::vector<std::int64_t> trial_;
  std::vector<std::uint32_t> start_;
  FacilityLimits base_;                        // of local search
  std::multimap<std::int64_t, Node> pending_;  // by bound, the newest of equals first
};

}  // namespace gneiss
