// What no choices of base groups can cost less than, by facility location
// (solver/facilities/facility_location.h): customers are the groups, facilities the lower parts
// they can stand on.
//
// A blob of w bytes that the images F hold anyway costs the groups M that join them
//     w * (rate(F + M) - rate(F)),    rate as in solver/rates/rates.h,
// which is monotone and submodular in M, and concave in the pulls of M but for the scope cells and
// pools that M touches first.
//   (a) A blob of one lower part, on which all groups would come to hold it: the chords of that
//       concave function between breakpoints. Each chord is a copy of the facility, with the
//       chord's intercept as opening cost and its slope as assignment cost per pull (Feldman,
//       Lehrer and Ray, "Warehouse location under continuous economies of scale", Management
//       Science 12(9), 1966). Cells and pools that not all groups touch have prices as in (b).
//   (b) Any other blob: a price for each group, a point of the base polytope of its cost (Edmonds
//       1970), so that the prices of any groups never exceed what the blob costs them. Such points
//       are averages of two-block splits: some groups share their cost by pulls, the others what
//       they add to that.
// Blobs that all choices of a group have are held anyway. So facility location at any breakpoints
// and prices gives a bound. Both move towards what its solution uses: breakpoints to its loads,
// where the chords become exact; prices to the split in which its groups pay, a subgradient of the
// bound.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "planner/bases/rebase_problem.h"
#include "planner/bases/rebase_state.h"

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

  // Moves prices and breakpoints towards `choices`, by step (0 .. 1) of the way; breakpoints all of
  // it. False when nothing moved.
  bool Refine(std::span<const std::uint32_t> choices, double step);

 private:
  struct Joiner {  // a group that may or may not hold the blob
    std::uint32_t group = 0;
    const HolderSet* set = nullptr;
    double price = 0;
  };
  struct Blob {
    std::int64_t pulls = 0;             // of those who hold it anyway
    double constant = 0;                // what joiners cost however few they are
    double bytes = 0;                   // times the weight of transfer
    bool has_chords = false;            // (a)
    std::vector<Joiner> joiners;        // by group
    std::vector<std::uint32_t> lowers;  // with the blob, on which joiners can stand; ascending
    // Cells and pools that some joiners touch, not all: cost of each, and the joiners.
    std::vector<std::pair<double, std::vector<std::uint32_t>>> elements;
  };
  struct Lower {
    std::vector<std::uint32_t> groups;
    std::vector<std::uint32_t> blobs;       // that somebody may or may not hold
    std::vector<std::int64_t> breakpoints;  // of pulls, ascending
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
  void AddBlob(std::uint32_t b, std::span<const std::uint32_t> lowers);
  void FindElements(Blob& blob, Bytes size, const HolderSet& held) const;
  void FindComponents();
  void SetBreakpoints(Lower& lower);
  void SolveComponent(Component& component, const std::function<bool()>& should_stop);
  bool MoveBreakpoints(std::span<const std::uint32_t> choices);
  bool MovePrices(Blob& blob, std::span<const std::uint32_t> choices, double step) const;

  const RebaseBlobs& source_;
  Bytes constant_ = 0;            // and
  double constant_fraction_ = 0;  // as in Component
  std::vector<Blob> blobs_;
  std::vector<Lower> lowers_;
  std::vector<Component> components_;
  RebaseChoices choices_;  // of the last solution
};

}  // namespace gneiss
