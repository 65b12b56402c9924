// What deleting refs frees, exactly. An image leaves a scope cell when all its refs there go; a
// blob is freed in a cell when all images that hold it there have left. Read backwards it is what
// adding them costs.
#pragma once

#include <cstdint>
#include <vector>

#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"
#include "planner/fleet/ref_selection.h"
#include "planner/fleet/sharing_graph.h"

namespace gneiss {

// An image that leaves one cell or more. size == freed_alone + freed_jointly + (what stays), where
// freed_jointly counts a blob in full.
struct LeavingImage {
  ImageIndex image = 0;
  bool leaves_fleet = false;  // all of its cells
  Bytes size = 0;             // of its blobs in the cells it leaves
  Bytes exclusive = 0;        // freed by deleting it alone
  Bytes joint_share = 0;  // of what it frees with others that leave: an even split of each blob,
                          // which is the Shapley value; sums to Deletion::joint
  Bytes staying = 0;      // blobs that images which stay hold too

  Bytes freed_share() const { return exclusive + joint_share; }
};

// An image that loses some refs and is kept by others.
struct PartlyDeletedImage {
  ImageIndex image = 0;
  std::uint32_t num_refs_deleted = 0;
  std::uint32_t num_refs_left = 0;
};

struct Deletion {
  std::vector<LeavingImage> images;        // in the fleet's order
  std::vector<PartlyDeletedImage> partly;  // likewise; those that leave a cell are in `images` too
  std::int64_t num_refs = 0;               // deleted, a ref of several platforms once
  std::int64_t num_leaving_fleet = 0;
  Bytes stored = 0;     // before
  Bytes exclusive = 0;  // sum over the images
  Bytes joint = 0;      // freed only because they go together

  Bytes freed() const { return exclusive + joint; }
};

// REQUIRES: `sharing` has these cells, which are those of a scope. Throws InputError when a sum
// leaves int64. Time O(edges + refs log groups).
[[nodiscard]] Deletion CountDeletion(const Fleet& fleet, const ImageGroups& cells,
                                     const SharingGraph& sharing, const RefSelection& selection);

}  // namespace gneiss
