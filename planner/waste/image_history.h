// One image step by step, as its own config tells them: what made each layer, who else holds it,
// and what of it the layers above hide in this image.
#pragma once

#include <cstdint>
#include <vector>

#include "planner/cost/today.h"
#include "planner/fleet/fleet.h"
#include "planner/waste/waste.h"

namespace gneiss {

struct HistoryRow {
  static constexpr std::size_t kMaxExamples = 5;

  LayerIndex layer = kNone;           // kNone: a step without a layer, and without figures
  std::uint32_t position = 0;         // of the layer in the chain, from 1
  TextIndex created_by = 0;           // empty when not known
  TextIndex created = 0;              // of the step; empty when not known
  bool is_again = false;              // the layer is further down too, where its figures stand
  std::int64_t num_images = 0;        // that hold the layer, this one included
  std::int64_t num_repositories = 0;  // that those images have refs in
  Bytes exclusive_bytes = 0;          // freed if this image alone were deleted
  bool contents_known = false;        // else the figures below are 0
  std::int64_t num_entries = 0;
  Bytes file_bytes = 0;      // uncompressed contents
  Bytes shadowed_bytes = 0;  // compressed, hidden in this image by layers above it
  std::int64_t num_shadowed = 0;
  Bytes needless_bytes = 0;             // compressed, of all findings on the layer
  std::vector<std::uint32_t> examples;  // its largest entries but deletions
};

struct ImageHistory {
  ImageIndex image = 0;
  std::vector<HistoryRow> rows;  // base first
  bool is_windows = false;       // nothing counts as shadowed: the runtime merges layers otherwise
  // Layers that the config's history tells of, where those are not the layers that the image has:
  // then no step is shown and no layer has an instruction. -1: none.
  std::int64_t num_told_layers = -1;

  std::int64_t num_layers() const;  // of the chain
};

// Time O(entries of its layers). REQUIRES: `waste` is of this fleet and contents.
[[nodiscard]] ImageHistory MakeImageHistory(const Fleet& fleet, const Today& today,
                                            const LayerContents& contents, const WasteReport& waste,
                                            ImageIndex image);

}  // namespace gneiss
