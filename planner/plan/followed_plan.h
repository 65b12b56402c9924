// Squash boundaries of a plan, followed by the images that came after it: what a registry would
// hold had its builds gone on as they were planned.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/cost/layout.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/tag_history.h"

namespace gneiss {

// Segment lengths of each image that the plan has, empty for the others.
using PlannedSegments = std::vector<std::vector<std::uint32_t>>;

struct FollowedPlan {
  Layout layout;
  std::int64_t num_planned = 0;    // images, of the plan
  std::int64_t num_followed = 0;   // that follow one
  std::int64_t num_unchanged = 0;  // that have nothing to follow
};

// An image that is not planned ends its segments where the image that its tag named before does,
// counted from the base, its last one at its own end. For a tag that is new it is the image of its
// repository and platform that came last, of those with as many layers if there are any. Without
// one, and before the first planned image, it keeps its layers; so do images that no event names.
// Layers that cannot be rewritten stay alone. REQUIRES: `planned` has one entry an image; lengths
// sum to the image's layers.
[[nodiscard]] FollowedPlan FollowPlan(const TagEvents& events, std::span<const ImageIndex> image_of,
                                      const Fleet& fleet, const PlannedSegments& planned);

}  // namespace gneiss
