// What moving all images that stand on one base to another does: storage, transfer and layers,
// before and after, recounted from the chains (planner/cost/audit.h). Unlike rebase.h it asks for
// no lineage and chooses nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/bases/drift.h"
#include "planner/cost/audit.h"
#include "planner/cost/cost_model.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"

namespace gneiss {

struct BasePair {
  ImageIndex from = 0;
  ImageIndex to = 0;  // of the same platform
};

struct BaseMove {
  BasePair pair;
  // Images of the platform whose chain begins with that of `from`: neither of the two, nor what
  // begins with `to` already.
  Drift drift;
  std::int64_t num_there = 0;  // images that begin with `to` already; `to` itself not counted
};

struct MovedImage {
  ImageIndex image = 0;
  std::uint32_t layers_before = 0;
  std::uint32_t layers_after = 0;
  Bytes before = 0;  // of its layers, a repeated one once
  Bytes after = 0;
};

struct BaseMoves {
  std::vector<BaseMove> moves;     // one for each pair, in their order
  std::vector<MovedImage> images;  // in the fleet's order
  LayoutCost before;
  LayoutCost after;
  Bytes freed_without_old = 0;  // storage less still, once the old bases are deleted
};

// Throws InputError when both bases of a pair have one chain or one of them is of Windows, when
// nothing moves, or costs leave int64. `cells` are those of the model's scope. Time O(references
// log references).
[[nodiscard]] BaseMoves MoveBases(const Fleet& fleet, const CostModel& model,
                                  const ImageGroups& cells, std::span<const BasePair> pairs);

}  // namespace gneiss
