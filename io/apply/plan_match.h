// What a level of a plan file comes to for the fleet at hand: the layers of today and the new ones
// that every image gets.
//
// Nothing of the plan is believed that the fleet and its inventories can say themselves. Leaves
// out: whether the images still show what they did, which `verify` says of what was written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/apply/plan_file.h"
#include "planner/bytes.h"
#include "planner/fleet.h"
#include "planner/layer_contents.h"
#include "planner/overlay.h"

namespace gneiss {

// A layer of the planned images: one of today's, several that become one, or one made of entries.
struct PlannedBlob {
  LayerIndex kept = kNone;
  std::vector<LayerIndex> segment;  // of a joined one: two or more layers
  bool is_first = false;            // of a joined one: nothing can lie below
  std::vector<EntryRef> entries;    // of one made of entries; each once, by layer, then position
  std::string id;                   // then: PlanLayer::id
  Bytes predicted = 0;              // compressed; of a kept one what it is
  ImageIndex image = kNone;         // the first that has it
  std::int64_t num_images = 0;      // that have it

  bool is_new() const { return kept == kNone; }
};

struct PlannedBase {
  std::string id;                    // of its last layer
  std::vector<std::uint32_t> blobs;  // base first
  std::uint32_t on = kNone;          // the base that it is built on, an earlier one; kNone: none
};

struct PlannedImages {
  std::vector<PlannedBlob> blobs;
  std::vector<std::vector<std::uint32_t>> of_image;  // per image, into `blobs`, base first
  std::vector<std::uint8_t> is_changed;              // per image, 1: it gets a new layer
  std::vector<PlannedBase> bases;  // that some image is built on, in the order of the plan
  std::vector<std::uint32_t>
      base_of_image;                 // per image, the deepest one, into `bases`; kNone: none
  std::int64_t num_not_planned = 0;  // images of the fleet that the plan does not have; they stay
};

// Layers whose contents MatchPlan must know, sorted. Throws what MatchPlan throws when the plan is
// of another fleet.
[[nodiscard]] std::vector<LayerIndex> LayersToRead(const PlanFile& plan, const PlanFileLevel& level,
                                                   const Fleet& fleet);

// Throws InputError that names the plan and the first image, layer or entry that the fleet has not,
// or has otherwise. REQUIRES: `level` is of `plan`, `contents` has the layers of LayersToRead. Time
// O(entries of all changed images).
[[nodiscard]] PlannedImages MatchPlan(const PlanFile& plan, const PlanFileLevel& level,
                                      const Fleet& fleet, const LayerContents& contents);

}  // namespace gneiss
