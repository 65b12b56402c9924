// What images that are new to a fleet cost it: the bytes that storage takes on, what a node that
// has the images of the fleet fetches, and which of these they share most with or could be built
// on.
#pragma once

#include <cstdint>
#include <vector>

#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"
#include "planner/fleet/layer_trie.h"
#include "planner/fleet/ref_selection.h"
#include "planner/fleet/sharing_graph.h"
#include "planner/questions/deletion.h"

namespace gneiss {

struct AddedImage {
  // In what it adds to storage: `exclusive` alone, `joint_share` of what it has in common with
  // other new images, `staying` what the fleet holds already.
  LeavingImage stored;
  Bytes fetched = 0;                    // blobs that no image of the fleet has, in any cell
  ImageIndex shares_most_with = kNone;  // image of the fleet; the first of equals
  Bytes shared = 0;                     // bytes of layers, that one alone
  ImageIndex stands_on = kNone;  // image of the fleet with the longest chain that begins its own
  Bytes base = 0;                // bytes of those layers
  // Image of the fleet, of the same platform, that most images of the fleet stand on: what to build
  // on to share more. kNone where stands_on is some image.
  ImageIndex could_stand_on = kNone;
  std::int64_t num_on_that = 0;
  // Layers that the fleet has in other compressed bytes: shared as well, were they pushed as those.
  Bytes twins = 0;
};

struct Addition {
  std::vector<AddedImage> images;  // in the fleet's order
  Deletion deletion;               // of the new refs: read backwards
  Bytes fetched = 0;               // by a node that takes all of them
  std::int64_t num_known = 0;      // images that the fleet has under the same refs
};

// `fleet` with the new images in it; `added`: refs that are new, and images that are new without
// any; `offered`: those and what was there already. REQUIRES: as for CountDeletion. Time
// O(references + images * layers).
[[nodiscard]] Addition CountAddition(const Fleet& fleet, const ImageGroups& cells,
                                     const SharingGraph& sharing, const RefSelection& added,
                                     const RefSelection& offered);

// The entries of `fleet` that are those of `part`, a fleet whose images are all in it: the same
// image under the same ref. Time O(refs log refs).
[[nodiscard]] RefSelection SelectPart(const Fleet& fleet, const Fleet& part);

}  // namespace gneiss
