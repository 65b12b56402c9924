// What markers do in a layer that has nothing below it. The image specification has them hit lower
// layers only, which there are none of. containerd unpacks the lowest layer by other rules than the
// rest, though: straight into a directory, where a whiteout removes what the layer itself has
// written so far, and an opaque marker what it has put into the directory without listing it. A
// symlink that is removed leads nowhere any more, so a scan has to know where its layer stands
// (kReadAsLowestWarning).
#pragma once

#include <cstdint>
#include <vector>

#include "planner/contents/inventory.h"

namespace gneiss {

// FindSuperseded for a layer that is the lowest of its image: what a marker removes has the marker
// in its place. Empty when that is nothing, as in nearly all layers. `superseded_by`: what
// FindSuperseded says of the inventory, which is complete (AddImpliedDirectories). Time
// O(entries * depth), without markers O(entries).
[[nodiscard]] std::vector<std::uint32_t> FindSupersededIfLowest(
    const Inventory& inventory, const std::vector<std::uint32_t>& superseded_by);

}  // namespace gneiss
