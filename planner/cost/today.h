// The fleet as it is today: its trie, the blobs of its layout and what they cost. Every level of a
// plan starts here, so it is made once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/cost/audit.h"
#include "planner/cost/cost_model.h"
#include "planner/cost/layout.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"
#include "planner/fleet/layer_trie.h"

namespace gneiss {

struct Today {
  ImageGroups cells;  // of the model's scope
  LayerTrie trie;     // of all images
  BlobTable blobs;    // blob b is layer b: every layer that a manifest lists, a blob of its own
  LayoutCost cost;

  std::span<const ImageIndex> holders_of(LayerIndex layer) const {
    return blobs.holders_of(blobs.blobs[layer]);
  }
};

// Throws what AuditLayout throws. Time and space as BuildLayerTrie and FindLayoutBlobs.
[[nodiscard]] Today MakeToday(const Fleet& fleet, const CostModel& model);

}  // namespace gneiss
