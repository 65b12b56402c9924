// Bytes of a fleet's layers that are paid for and not needed: never seen in any image, or seen and
// of no use there. Every entry is counted once, under one kind, and a layer that many images hold
// counts once per scope cell; so findings add up.
#pragma once

#include <cstdint>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/contents/overlay.h"
#include "planner/cost/cost_model.h"
#include "planner/cost/today.h"
#include "planner/fleet/fleet.h"
#include "planner/waste/static_images.h"
#include "planner/waste/waste_rules.h"

namespace gneiss {

struct WasteFinding {
  static constexpr std::size_t kMaxExamples = 5;

  WasteKind kind = WasteKind::kDeleted;
  WasteRuleIndex rule = kNoWasteRule;  // of kinds that paths show
  LayerIndex layer = kNone;            // that pays for the bytes
  // The layer that hides most of them; of secrets kNone where an image shows them. Of what stands
  // over the same contents in a layer that other images see as it is, and of layers that are there
  // already: the layer that holds the same. kNone where paths show it.
  LayerIndex by = kNone;
  bool stands_over = false;  // the layer is above `by` and repeats what it holds
  std::int64_t num_entries = 0;
  Bytes file_bytes = 0;                 // of contents, uncompressed
  Bytes blob_bytes = 0;                 // compressed: what the layer would weigh less
  Bytes saves_storage_bytes = 0;        // blob_bytes in every scope cell that holds the layer
  Bytes saves_transfer_bytes = 0;       // expected, with the model's pulls, by this finding alone
  std::vector<std::uint32_t> examples;  // largest entries of `layer`, at most kMaxExamples
};

// What an image pays for.
struct ImageWaste {
  bool complete = true;      // the contents of all its layers are known
  bool is_windows = false;   // nothing is hidden: its runtime merges its layers by rules of its own
  Bytes hidden_bytes = 0;    // compressed, hidden in this image, whether or not others see them
  Bytes needless_bytes = 0;  // compressed, of the findings on its layers
  Bytes stored_bytes = 0;    // of its layers, each once
};

struct WasteReport {
  std::vector<WasteFinding> findings;  // secrets, then the rest; largest saving of storage first
  std::vector<ImageWaste> images;      // by image
  // Not part of the sums: their bytes may be findings too. Largest saving of storage first.
  std::vector<StaticImage> static_images;
  std::vector<Bytes> layer_needless;  // by layer: blob_bytes of its findings
  std::int64_t num_windows = 0;       // images
  std::int64_t num_known_layers = 0;
  std::int64_t num_entries = 0;
  Bytes known_bytes = 0;  // compressed, of layers with contents
  // Hidden in some images and seen in others: squashing does not save them, other bases might.
  Bytes hidden_in_some_bytes = 0;
  // Seen and needed, but the same contents are in another layer too: a common base could share
  // them. No part of the findings.
  Bytes in_other_layers_bytes = 0;
  Bytes saves_storage_bytes = 0;  // of all findings
  Bytes saves_transfer_bytes = 0;
  // Summed over layers, each as odd as in the worst of its chains; of chains that are known whole.
  // The bad link is one of the first layer that has any.
  OverlayWarnings overlay_warnings;
};

// Whether bytes hidden for this cause count as shadowed: a directory listed again does not, every
// layer that touches what is below it must.
[[nodiscard]] bool CountsAsShadowed(HideCause cause);

// REQUIRES: `today` is made with `model`, `contents` has the fleet's layers.
// Time O(entries over the nodes of the trie), space O(entries + paths).
[[nodiscard]] WasteReport FindWaste(const Fleet& fleet, const CostModel& model, const Today& today,
                                    const LayerContents& contents);

}  // namespace gneiss
