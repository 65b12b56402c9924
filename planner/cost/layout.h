// A layout: what list of blobs every image gets (design.md 4), as segments of its chain; and the
// distinct blobs that this makes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "planner/contents/merged_size.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"

namespace gneiss {

// Segment lengths of every image, in layers, base first; they sum to the length of its chain. A
// segment of length 1 is a layer as it is today.
struct Layout {
  std::vector<std::uint64_t> first;  // per image, and one past the end: into `lengths`
  std::vector<std::uint32_t> lengths;

  std::span<const std::uint32_t> of(ImageIndex image) const {
    return {lengths.data() + first[image], first[image + 1] - first[image]};
  }
};

// A chain for an image; may differ from its present one (a rebase). Valid until the next call.
using ChainOfImage = std::function<std::span<const LayerIndex>(ImageIndex)>;

// Every layer a segment of its own, of the images' chains or of others.
[[nodiscard]] Layout CurrentLayout(const Fleet& fleet, const ChainOfImage& chains = {});

// Every image one layer: what flattening tools do.
[[nodiscard]] Layout FlattenedLayout(const Fleet& fleet);

// A distinct blob of a layout: equal lists of layers are one blob wherever they stand.
struct LayoutBlob {
  ImageIndex image = 0;      // the first image that holds it,
  std::uint32_t offset = 0;  // where in that image's chain,
  std::uint32_t length = 0;  // and how many layers
  std::uint32_t num_holders = 0;
  // Sum of its layers, where foreign ones weigh nothing, they are not ours; less where their
  // contents are known (merged_size.h).
  Bytes size = 0;
  std::uint64_t first_holder = 0;  // into BlobTable::holders
  std::int64_t pulls = 0;          // of its holders
  std::int64_t cells = 0;          // distinct scope cells of its holders
  std::int64_t pool_nodes = 0;     // nodes of the distinct pools of its holders
};

struct BlobTable {
  std::vector<LayoutBlob> blobs;          // in order of first holder, then of its chain
  std::vector<ImageIndex> holders;        // sorted within a blob, each image once
  std::vector<std::uint32_t> of_segment;  // blob of Layout::lengths[i]

  std::span<const ImageIndex> holders_of(const LayoutBlob& blob) const {
    return {holders.data() + blob.first_holder, blob.num_holders};
  }
};

// What images that hold one blob come to.
struct BlobUse {
  std::int64_t pulls = 0;
  std::int64_t cells = 0;       // distinct scope cells; 1 when there is one for all
  std::int64_t pool_nodes = 0;  // nodes of the distinct pools
};

// All 0 for no holders. Throws InputError when a sum leaves int64. Time O(n log n) in what the
// holders touch.
[[nodiscard]] BlobUse CountUse(const Fleet& fleet, const ImageGroups& cells,
                               std::span<const ImageIndex> holders);

// Whether FindLayoutBlobs leaves `holders` behind.
enum class HolderLists : std::uint8_t { kKeep, kDrop };

// Finds the blobs by their lists of layers alone. Throws InputError when a sum leaves int64,
// std::logic_error when a layout does not cover a chain. Time O(references) where blobs are shared
// within one scope cell and pool, else O(references log references); with `sizes` (null: contents
// are not known) that of one recount for each distinct blob of several layers besides.
[[nodiscard]] BlobTable FindLayoutBlobs(const Fleet& fleet, const ImageGroups& cells,
                                        const Layout& layout, const ChainOfImage& chains = {},
                                        HolderLists lists = HolderLists::kKeep,
                                        MergedSizes* sizes = nullptr);

}  // namespace gneiss
