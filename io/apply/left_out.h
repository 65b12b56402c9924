// Images that the target of `apply` says it was written without, so that nobody looks for them.
//
// gneiss-apply.json at the top of a layout, of schema gneiss.apply/1, may have a list of them:
//   "left_out": [{"ref": "shop:1", "manifest_digest": "sha256:...", "why": "..."}]
// Whoever wrote the target wrote that too: it explains an image that is missing, and proves
// nothing.
#pragma once

#include <string>
#include <vector>

#include "io/source/layer_blobs.h"

namespace gneiss {

struct ExcusedImage {
  std::string ref;              // empty: an image without one
  std::string manifest_digest;  // empty: not told
  std::string why;
};

// Of all layouts in directories, in their order; none where no layout has such a file. Throws
// InputError, placed at the file, when one is no JSON or its list is none.
[[nodiscard]] std::vector<ExcusedImage> ReadLeftOut(const LayerBlobs& blobs);

}  // namespace gneiss
