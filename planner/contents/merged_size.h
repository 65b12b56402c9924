// What a run of layers weighs when it becomes one, by their contents: a recount that shares nothing
// with the planning of squash boundaries (segment_weights), for layouts and their audit.
//
// The blob of a segment weighs
//   - the bytes in a new layer (LayerContents::NewBytes) of the entries of its layers that no later
//   entry and
//     no marker of its layers hides, by the rules of overlay.h for these layers alone. Contents
//     stay as long as one of their names does; of directories and files that come again the last
//     stays;
//   - those of its whiteouts and opaque markers, unless nothing can lie below the segment: its
//     first layer is the first of every chain that has it. A marker goes when a higher layer of the
//     segment has another that covers it, or a file at its path or above it. What it hides inside
//     the segment does not matter, since that may be below the segment as well, in some chain; so
//     equal lists of layers are equal blobs;
//   - overhead_bytes of that layer that has the least: one archive has one end.
// A segment of one layer is that layer: it weighs what the fleet says. A segment with a layer whose
// contents are not known, or not ours (foreign), weighs the sum of its layers.
//
// Not counted, a few dozen bytes each: a marker that the new blob needs where the segment makes a
// file a directory, so that what lies below cannot show through. Hard links to files below the
// segment weigh what they do today; where the segment deletes their target the blob must hold its
// contents instead, which is not counted either. No builder's snapshots make such links.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// Per layer, 1: it is the first of every chain that has it.
[[nodiscard]] std::vector<std::uint8_t> FindFirstLayers(const Fleet& fleet);

// What the layers weigh apart: foreign ones nothing, they are not ours. Throws InputError when the
// sum leaves int64.
[[nodiscard]] Bytes SumOfSizes(const Fleet& fleet, std::span<const LayerIndex> segment);

class MergedSizes {
 public:
  // Keeps views of both. REQUIRES: `contents` has the fleet's layers.
  MergedSizes(const Fleet& fleet, const LayerContents& contents);
  ~MergedSizes();

  // The contents of all layers are known, and ours.
  bool AreKnown(std::span<const LayerIndex> segment) const;

  // Throws InputError when the sum leaves int64. REQUIRES: not empty. Time O(entries of its layers
  // times the depth of their paths), once more by log for each hard link.
  [[nodiscard]] Bytes Of(std::span<const LayerIndex> segment);

 private:
  class Recount;

  const Fleet& fleet_;
  const LayerContents& contents_;
  std::vector<std::uint8_t> is_first_;
  std::unique_ptr<Recount> recount_;
};

}  // namespace gneiss
