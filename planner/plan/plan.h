// A plan for a fleet: its levels with cost, bound and proof, what to do, and what the fleet's bases
// are (design.md 5). The squash level, and the bases that are there, from manifests or contents;
// bases and carved layers made of contents, where these are known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/bases/bases.h"
#include "planner/contents/layer_contents.h"
#include "planner/cost/cost_model.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/layer_trie.h"
#include "planner/plan/content_plan.h"
#include "planner/plan/plan_options.h"
#include "planner/squash/recommendation.h"
#include "planner/squash/squash.h"

namespace gneiss {

struct Plan {
  CostModel model;
  const LayerContents* contents = nullptr;  // not owned; null: planned from manifests
  SquashPlan squash;                        // without its blobs: `joins` is what they were for
  std::vector<Recommendation> joins;        // of the squash level
  // What the usual advice costs, for comparison: every image one layer, and every image its base
  // (the nearest image below it) plus one layer; Windows images as they are.
  LayoutCost flattened;
  LayoutCost kept_base;
  BasesReport bases;
  std::vector<Recommendation> moves;         // of bases.drift
  std::optional<ContentPlan> from_contents;  // none where no image's contents are known
  std::vector<Recommendation> new_bases;     // of from_contents->bases
  std::vector<Recommendation> carved;        // of from_contents->carve: one, or none

  // The cost model in words, and what new layers are compressed with where they are counted.
  [[nodiscard]] std::string DescribeModel() const;
  // All of them, what saves most for its effort first; weak ones last.
  [[nodiscard]] std::vector<const Recommendation*> Ranked() const;
};

// Plans, from manifests alone where `contents` is null. Throws what CostModel, PlanSquash,
// FindBases and PlanNewBases throw. REQUIRES: `contents` has the fleet's layers and outlives the
// plan.
[[nodiscard]] Plan MakePlan(const Fleet& fleet, const PlanOptions& options,
                            const LayerContents* contents = nullptr);

// Squash of all but the base, as builders' --squash does: the nearest image whose chain is a proper
// prefix stays one layer, the rest becomes another.
[[nodiscard]] Layout KeptBaseLayout(const Fleet& fleet, const LayerTrie& trie);

}  // namespace gneiss
