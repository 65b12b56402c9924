// What a level of a plan file comes to for the fleet at hand: the layers of today and the new ones
// that every image gets.
//
// Nothing of the plan is believed that the fleet and its inventories can say themselves: every
// image gets all its layers of today, or layers that list each path that it shows, and nothing
// else. Leaves out: whether what they list at a path is what the image has there, which is told of
// the layers that were written (written_images.h).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "io/tables/plan_file.h"
#include "planner/contents/layer_contents.h"
#include "planner/contents/overlay.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// A layer of the planned images: one of today's, several that become one, or one made of entries.
struct PlannedBlob {
  LayerIndex kept = kNone;
  std::vector<LayerIndex> segment;  // of a joined one: two or more layers
  bool is_first = false;            // of a joined one: nothing can lie below
  std::vector<EntryRef> entries;    // of one made of entries; each once, by layer, then position
  std::string id;                   // then: PlanLayer::id
  Bytes predicted = 0;              // compressed; of a kept one what it is
  ImageIndex image = kNone;         // the first that has it; kNone: none
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
  // Images that what the plan asks of them cannot be done for, and why. They have no layers above.
  std::map<ImageIndex, std::string> left_out;
  std::vector<PlannedBase> bases;  // that some image is built on, in the order of the plan
  std::vector<std::uint32_t>
      base_of_image;                     // per image, the deepest one, into `bases`; kNone: none
  std::vector<std::uint8_t> is_planned;  // per image, 1: the plan has it; others stay
};

// Layers whose contents matter, sorted: those that new ones are made of, and the others of the
// images that get these. Throws what MatchPlan throws when the plan is of another fleet.
[[nodiscard]] std::vector<LayerIndex> LayersToRead(const PlanFile& plan, const PlanFileLevel& level,
                                                   const Fleet& fleet);

// Why nothing is known of a layer's contents, in words.
using UnknownLayers = std::map<LayerIndex, std::string>;

// Throws InputError that names the plan and the first image, layer or entry that the fleet has not,
// or has otherwise. `unknown`: of layers of LayersToRead that `contents` has not. REQUIRES: `level`
// is of `plan`. Time O(entries of all changed images).
[[nodiscard]] PlannedImages MatchPlan(const PlanFile& plan, const PlanFileLevel& level,
                                      const Fleet& fleet, const LayerContents& contents,
                                      const UnknownLayers& unknown = {});

// Takes images out, and counts anew which blobs the others have.
void LeaveOut(const std::map<ImageIndex, std::string>& images, PlannedImages& planned);

}  // namespace gneiss
