// Images of which a runtime makes something that no new layer can say:
//
//   - A directory with what it takes of several entries, or from another path
//     (SeenAttributes::is_listed).
//   - A lowest layer of which markers remove what it has written itself, or a layer that was read
//     as if it stood elsewhere (lowest_layer.h).
//   - A time between one second before 1970 and then, to which the headers that we write cannot
//     give its sign, one that nothing sets (kNoTime), or of a directory that is not listed
//     (kUnlistedTimeWarning).
#pragma once

#include <cstdint>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// Per image, 1 for these. Images with layers that are not known are judged by the others. Time
// O(entries), and that of merging the images in which a directory may be such.
[[nodiscard]] std::vector<std::uint8_t> FindUnwritableImages(const Fleet& fleet,
                                                             const LayerContents& contents);

}  // namespace gneiss
