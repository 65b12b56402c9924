// A plan for a fleet: its levels with cost, bound and proof, what to do, and what the fleet's bases
// are. Today: the squash level, and the bases that are there.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "planner/bases.h"
#include "planner/cost_model.h"
#include "planner/fleet.h"
#include "planner/layer_trie.h"
#include "planner/recommendation.h"
#include "planner/squash.h"

namespace gneiss {

struct PlanOptions {
  CostOptions cost;
  SquashOptions squash;
  // Called with what begins now, in a few words; may be empty.
  std::function<void(std::string_view stage)> on_stage;
};

struct Plan {
  CostModel model;
  SquashPlan squash;                  // without its blobs: `joins` is what they were for
  std::vector<Recommendation> joins;  // of the squash level
  // What the usual advice costs, for comparison: every image one layer, and every image its base
  // (the nearest image below it) plus one layer.
  LayoutCost flattened;
  LayoutCost kept_base;
  BasesReport bases;
  std::vector<Recommendation> moves;  // of bases.drift
};

// Plans, from manifests alone where `contents` is null. Throws what CostModel, PlanSquash and
// FindBases throw. REQUIRES: `contents` has the fleet's layers.
[[nodiscard]] Plan MakePlan(const Fleet& fleet, const PlanOptions& options,
                            const LayerContents* contents = nullptr);

// Squash of all but the base, as builders' --squash does: the nearest image whose chain is a proper
// prefix stays one layer, the rest becomes another.
[[nodiscard]] Layout KeptBaseLayout(const Fleet& fleet, const LayerTrie& trie);

}  // namespace gneiss
