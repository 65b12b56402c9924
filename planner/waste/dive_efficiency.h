// Efficiency and wasted bytes of one image by dive's definition, for those who have thresholds on
// them: per path, the sizes that the layers give it; wasted is the sum over paths that two or more
// layers give, the copy that is seen included; efficiency is the sum of the smallest sizes over the
// sum of all. Sizes are of contents, uncompressed. Shadowed bytes (overlay.h) are the figure that a
// squash can save, and lower.
#pragma once

#include <span>

#include "planner/contents/inventory.h"

namespace gneiss {

struct DiveEfficiency {
  Bytes size_bytes = 0;  // of all layers
  Bytes user_bytes = 0;  // of all but the first
  Bytes wasted_bytes = 0;
  double efficiency = 1;  // 1 for an image without bytes
};

// `chain` from the base upwards. Time O(entries).
[[nodiscard]] DiveEfficiency ComputeDiveEfficiency(std::span<const Inventory* const> chain);

}  // namespace gneiss
