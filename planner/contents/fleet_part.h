// Some images of a fleet as a fleet of their own: a group's report looks at them alone.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

struct FleetPart {
  Fleet fleet;
  std::vector<LayerIndex> whole_layer;  // by layer of `fleet`: the layer of the whole
};

// All that the whole knows of these images; of their refs those that `keeps_ref` accepts (all when
// it is empty). An image keeps its pulls, whatever refs it loses. REQUIRES: each image once.
// Time O(references of the images * log).
[[nodiscard]] FleetPart TakePart(const Fleet& whole, std::span<const ImageIndex> images,
                                 const std::function<bool(std::string_view ref)>& keeps_ref = {});

// What is known of the contents of its layers, copied. REQUIRES: `contents` is of the whole.
[[nodiscard]] LayerContents ContentsOfPart(const FleetPart& part, const LayerContents& contents);

}  // namespace gneiss
