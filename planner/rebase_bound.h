// What no choices of base groups can cost less than, by facility location
// (solver/facility_location.h): customers are the groups, facilities the lower parts they can stand
// on.
//
// A blob of w bytes that the images F hold anyway costs the groups M that join them
//     w * (rate(F + M) - rate(F)),    rate as in solver/set_rates.h,
// which is concave in the pulls P of M, but for the scope cells and pools that M touches first. It
// is never less than any of
//   (a) at one lower part alone with pulls P_j: the chords of that function between breakpoints;
//       each chord is a copy of the facility, with the chord's intercept as opening cost and its
//       slope as assignment cost per pull (concave costs as facility location: Feldman, Lehrer and
//       Ray, "Warehouse location under continuous economies of scale", Management Science 12(9),
//       1966);
//   (b) over all lower parts with the blob: the one chord from the fewest to the most pulls that
//   can
//       come, its slope for each pull, its intercept once, split over the lower parts by weights;
//   (c) any average of these.
// A cell or pool that not every group touches is split evenly over the groups that do. Blobs that
// all choices of a group have are held anyway. So facility location at any weights and breakpoints
// gives a bound. Both are moved towards what its solution uses: breakpoints to its loads, where the
// chords become exact; weights by subgradient steps.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "planner/rebase_blobs.h"
#include "planner/rebase_state.h"

namespace gneiss {

class RebaseBound {
 public:
  // Keeps a view of `blobs`, which must outlive it.
  explicit RebaseBound(const RebaseBlobs& blobs);

  struct Round {
    Bytes lower_bound = 0;  // of RebaseState::cost(), for all choices
    RebaseChoices choices;  // of the facility location
  };
  // At the present weights and breakpoints. Solves only what has changed. Stopped early, the bound
  // is weak, not wrong.
  [[nodiscard]] Round Solve(const std::function<bool()>& should_stop);

  // Moves weights and breakpoints towards `choices`, by 1 all the way. False when nothing moved.
  bool Refine(std::span<const std::uint32_t> choices, double step);

 private:
  struct Joiner {  // a group that may or may not hold the blob
    std::uint32_t group = 0;
    const HolderSet* set = nullptr;
    double element_share = 0;  // cost of the cells and pools that it answers for
  };
  struct Place {  // a lower part with the blob
    std::uint32_t lower = 0;
    bool clean = false;  // all groups that can stand on it are joiners
    bool plain = false;  // and as a whole
    double alone = 0;    // weight of (a) there
    double split = 0;    // of the intercept in (b), in all no more than Blob::common
  };
  struct Blob {
    std::int64_t pulls = 0;  // of those who hold it anyway
    double constant = 0;     // what joiners cost however few they are
    double bytes = 0;        // times the weight of transfer
    double common = 1;       // weight of (b)
    double intercept = 0;    // of the chord of (b)
    double slope = 0;
    std::vector<Joiner> joiners;  // by group
    std::vector<Place> places;    // by lower part
  };
  struct Lower {
    std::vector<std::uint32_t> groups;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> places;  // blob, position in its places
    std::vector<std::int64_t> breakpoints;                        // of pulls, ascending
    std::uint32_t component = 0;
  };
  struct Component {
    std::vector<std::uint32_t> groups;
    std::vector<std::uint32_t> lowers;
    bool is_new = true;
    Bytes lower_bound = 0;  // and
    double fraction = 0;    // of a unit, which is a multiple of 2^-8
  };

  double JoinCost(const Blob& blob, std::int64_t pulls) const;
  void AddBlob(std::uint32_t b, std::span<const std::vector<std::uint32_t>> places_of);
  void ShareElements(Blob& blob, Bytes size, const HolderSet& held);
  void FindComponents();
  void SetBreakpoints(Lower& lower);
  void SolveComponent(Component& component, const std::function<bool()>& should_stop);
  bool MoveBreakpoints(std::span<const std::uint32_t> choices);
  bool MoveWeights(Blob& blob, std::span<const std::uint32_t> choices, double step);

  const RebaseBlobs& source_;
  Bytes constant_ = 0;            // and
  double constant_fraction_ = 0;  // as in Component
  std::vector<Blob> blobs_;
  std::vector<Lower> lowers_;
  std::vector<Component> components_;
  RebaseChoices choices_;  // of the last solution
};

}  // namespace gneiss
