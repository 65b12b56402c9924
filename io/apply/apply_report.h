// What carrying out a plan came to: what was written, and how near the plan had told it.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "planner/fleet/bytes.h"

namespace gneiss {

// Layers below this are left out of the worst error: headers and compression of small ones vary.
inline constexpr Bytes kLargeLayerBytes = 1'000'000;

struct AppliedLayer {
  std::string id;               // of one made of entries: as in the plan
  std::int64_t num_joined = 0;  // of a joined one: the layers that it stands for
  std::int64_t num_images = 0;  // that have it
  std::string digest;
  std::string diff_id;
  Bytes predicted = 0;
  Bytes size = 0;
  Bytes tar_size = 0;
};

// Of all images: layers, each blob once, without manifests and configs.
struct LayoutFigures {
  Bytes storage_bytes = 0;
  std::int64_t distinct_layers = 0;
  std::int64_t layer_references = 0;
};

// An image, or another manifest of the sources, that the new layout has not.
struct LeftOutImage {
  std::string ref;              // its first one; empty: it has none
  std::string manifest_digest;  // empty: not known
  std::string why;
  bool is_bad_entry = false;  // its index or manifest cannot be read, so it is in no fleet
};

struct ApplyReport {
  std::string target;
  std::string level;
  std::string codec;
  int compression_level = 0;
  std::int64_t images = 0;  // that were carried over
  std::int64_t rewritten_images = 0;
  std::int64_t images_not_planned = 0;  // among those left as they are
  std::int64_t new_bases = 0;           // images
  std::int64_t kept_layers = 0;         // distinct, as the next one
  std::int64_t new_layer_count = 0;
  std::int64_t linked_blobs = 0;
  std::int64_t copied_blobs = 0;
  std::int64_t resumed_blobs = 0;  // that an ended run had written
  std::int64_t left_out = 0;       // manifests that refer to ones that changed or are gone
  std::vector<LeftOutImage> left_out_images;
  LayoutFigures before;
  LayoutFigures predicted;
  LayoutFigures after;
  std::vector<AppliedLayer> new_layers;  // in the order of the images that have them
  std::string first_ref;                 // of the new layout, for an example; may be empty

  // (size - predicted) / predicted of a layer, 0 when nothing was predicted.
  [[nodiscard]] static double ErrorOf(const AppliedLayer& layer) {
    return ErrorOf(layer.size, layer.predicted);
  }
  [[nodiscard]] static double ErrorOf(Bytes written, Bytes predicted) {
    return predicted == 0
               ? 0
               : static_cast<double>(written - predicted) / static_cast<double>(predicted);
  }
  // The new layer of kLargeLayerBytes or more that differs most from what was predicted; null when
  // there is none.
  [[nodiscard]] const AppliedLayer* Worst() const;
};

// The report of a plan that was carried out, as JSON, schema "gneiss.apply/1": raw integers, no
// times, no paths, nothing of how blobs came to be there. One plan, one text.

void WriteApplyJson(const ApplyReport& report, std::ostream& out);

}  // namespace gneiss
