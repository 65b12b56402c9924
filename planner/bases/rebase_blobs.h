// What a rebase can change of the fleet's blobs: for each layer that some choice of some group
// stands on, who holds it whatever is chosen, and what each group would add.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "planner/bases/rebase_problem.h"
#include "planner/cost/cost_model.h"
#include "planner/cost/rate_model.h"
#include "planner/cost/today.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// Images that come to hold a blob together.
struct HolderSet {
  std::int64_t num_images = 0;
  std::int64_t pulls = 0;
  std::vector<std::uint32_t> elements;  // of FleetRates, sorted, each once
};

class RebaseBlobs {
 public:
  // Keeps views of all, which must outlive it.
  RebaseBlobs(const Fleet& fleet, const CostModel& model, const Today& today,
              const RebaseProblem& problem);

  std::uint32_t size() const { return static_cast<std::uint32_t>(layers_.size()); }
  Bytes size_bytes(std::uint32_t b) const { return size_bytes_[b]; }  // foreign ones weigh nothing
  // Blobs of a lower part, ascending, each once.
  std::span<const std::uint32_t> of_lower(std::uint32_t lower) const { return of_lower_[lower]; }
  // Images that hold the blob outside of any lower part.
  const HolderSet& fixed(std::uint32_t b) const { return fixed_[b]; }
  // Images of group g that do not hold it above their lower part.
  const HolderSet& added_by(std::uint32_t g, std::uint32_t b) const;
  bool is_whole(std::uint32_t g, std::uint32_t b) const { return &added_by(g, b) == &all_of_[g]; }
  const HolderSet& all_of(std::uint32_t g) const { return all_of_[g]; }

  // Requests for the layers of a lower part, by all images of the group.
  Bytes OverheadOf(std::uint32_t g, std::uint32_t lower) const;

  const RebaseProblem& problem() const { return problem_; }
  const CostModel& model() const { return model_; }
  const RateModel& rates() const { return rates_.model(); }

 private:
  HolderSet SetOf(std::span<const ImageIndex> images) const;

  const Fleet& fleet_;
  const CostModel& model_;
  const RebaseProblem& problem_;
  FleetRates rates_;
  std::vector<LayerIndex> layers_;  // ascending
  std::vector<Bytes> size_bytes_;
  std::vector<std::vector<std::uint32_t>> of_lower_;
  std::vector<HolderSet> fixed_;
  std::vector<HolderSet> all_of_;  // per group
  // Per group, by blob: where it adds less than all of itself.
  std::vector<std::vector<std::pair<std::uint32_t, HolderSet>>> less_;
};

}  // namespace gneiss
