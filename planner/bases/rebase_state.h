// One choice for every group, and what it costs: exact, kept up to date choice by choice.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "planner/bases/rebase_problem.h"

namespace gneiss {

// Per group, an index into its choices.
using RebaseChoices = std::vector<std::uint32_t>;

class RebaseState {
 public:
  // Everybody stays. Keeps a view of `blobs`, which must outlive it.
  explicit RebaseState(const RebaseBlobs& blobs);

  // Of the blobs that a choice can change, and the requests for the layers of lower parts; in the
  // unit of the model's cost. What it leaves out is the same for all choices.
  Bytes cost() const { return cost_; }
  // Of the same blobs.
  Bytes storage_bytes() const { return storage_bytes_; }
  double transfer_bytes() const { return transfer_bytes_; }
  const RebaseChoices& choices() const { return choices_; }

  // What cost() would become less what it is. Time that of the layers of both lower parts, and of
  // the group's elements for each.
  [[nodiscard]] Bytes Difference(std::uint32_t g, std::uint32_t choice) const;
  void Choose(std::uint32_t g, std::uint32_t choice);
  void ChooseAll(std::span<const std::uint32_t> choices);

 private:
  // Who holds a blob now.
  struct Use {
    std::int64_t num_images = 0;
    std::int64_t pulls = 0;
    std::int64_t cells = 0;  // where they are told apart
    std::int64_t pool_nodes = 0;
    Bytes cost = 0;
    Bytes storage_bytes = 0;
    double transfer_bytes = 0;
    std::unordered_map<std::uint32_t, std::uint32_t> num_touching;  // per element, fixed and groups
  };

  void SetCost(std::uint32_t b, Use& use) const;
  Use Changed(std::uint32_t b, const HolderSet& set, bool adds) const;  // without num_touching
  void Change(std::uint32_t b, const HolderSet& set, bool adds);
  std::uint32_t LowerOf(std::uint32_t g, std::uint32_t choice) const {
    return blobs_.problem().groups[g].choices[choice].lower;
  }

  const RebaseBlobs& blobs_;
  RebaseChoices choices_;
  std::vector<Use> uses_;
  Bytes cost_ = 0;
  Bytes storage_bytes_ = 0;
  double transfer_bytes_ = 0;
};

// Local search over the choices of base groups under their exact cost.

// Improves until nothing does: one group to its best choice; all groups that can to one version,
// with those that are better off staying where they were going back; all groups off one lower part.
// Never lifts the cost. Groups and versions are tried in the order of the problem, so the result is
// a function of the start. should_stop (may be empty) is asked before each try.
void ImproveChoices(const RebaseProblem& problem, const std::function<bool()>& should_stop,
                    RebaseState& state);

}  // namespace gneiss
