// Who may move where: the base groups of a fleet with their choices, from its lineages.
//
// The move set. A group are the images that stand on the same versions of the same lineages. It
// stays, or it moves once, as a whole: at one version that it stands on, to another version of a
// lineage that knows of both; and to a twin it may move as the twin would look on another version
// of a base of both. Where bases are nested (debian, python on it, an app on that), an app has the
// choices at every depth, one of which it takes; the base in between is an image like any other and
// has its own. Versions are the chains of today: what one group does changes no other group's
// chain.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "planner/bases/lineages.h"
#include "planner/cost/cost_model.h"
#include "planner/cost/today.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/layer_trie.h"

namespace gneiss {

struct RebaseChoice {
  std::uint32_t lower = 0;   // into RebaseProblem::lowers: what the group then stands on
  NodeIndex from = kNoNode;  // kNoNode: stays
  NodeIndex to = kNoNode;
  std::uint32_t lineage = 0;  // the most trusted one that has both; of the base where there is one
  // Where `to` is a twin whose own base moves as well: from which to which version.
  NodeIndex base_from = kNoNode;
  NodeIndex base_to = kNoNode;
};

// The layers that replace those up to choice.from. REQUIRES: it does not stay.
[[nodiscard]] std::vector<LayerIndex> PrefixOf(const LayerTrie& trie, const RebaseChoice& choice);

struct RebaseGroup {
  std::vector<ImageIndex> images;     // sorted
  std::uint32_t depth = 0;            // layers of their chains that a choice may replace
  std::vector<RebaseChoice> choices;  // [0] stays; each other one once
};

struct RebaseProblem {
  std::vector<RebaseGroup> groups;              // by first image
  std::vector<std::vector<LayerIndex>> lowers;  // distinct lists of layers, base first
};

struct RebaseRules {
  std::span<const std::uint8_t> pinned;  // per image, 1 does not move; may be empty
  bool allow_older = false;              // of two known times; twins aside
  bool weak = false;                     // of weak lineages alone; else of all but those
};

// Left out are targets beyond the kMaxTargets of a lineage on which most
// pulls stand (the newest is always kept).
inline constexpr std::size_t kMaxTargets = 100;
[[nodiscard]] RebaseProblem MakeRebaseProblem(const Fleet& fleet, const LayerTrie& trie,
                                              std::span<const Lineage> lineages,
                                              const RebaseRules& rules);

// What a rebase can change of the fleet's blobs: for each layer that some choice of some group
// stands on, who holds it whatever is chosen, and what each group would add.

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
