// A plan file (schema gneiss.plan/1, design.md 7) as `apply` needs it: of each level the layers
// that every image gets, and of which entries of today's layers the new ones are made. And what
// that comes to for the fleet at hand.
//
// A plan comes from a file that anybody may have written: every field that is read is checked, and
// nothing is believed that the fleet and its inventories can say themselves.
//
// Leaves out: costs, proofs and recommendations; whether the images still show what they did, which
// `verify` says of what was written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "planner/bytes.h"
#include "planner/digest.h"
#include "planner/fleet.h"
#include "planner/layer_contents.h"
#include "planner/overlay.h"

namespace gneiss {

// Entries of one of today's layers, by their positions in its tar.
struct PlanEntries {
  std::string digest_text;
  Digest digest;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;  // first, last; sorted and apart
  std::string place;  // in the file: "levels[1].layers[3].from[0]"
};

struct PlanLayer {
  std::string id;  // valid as a tag
  Bytes size = 0;  // predicted, compressed
  std::vector<PlanEntries> from;
};

// One of `new_layer`, into PlanFileLevel::layers, and of `from`: layers of today that become one.
struct PlanImageLayer {
  std::vector<Digest> from;
  std::uint32_t new_layer = kNone;
};

struct PlanImage {
  std::string name;  // its first ref, else its digest
  Digest manifest_digest;
  std::vector<PlanImageLayer> layers;
  std::string place;
};

// The images that have `layer` as the last one of their base.
struct PlanBase {
  std::uint32_t layer = kNone;  // into PlanFileLevel::layers
  std::uint32_t on = kNone;     // the layer of the base below; kNone: none
};

struct PlanFileLevel {
  std::string name;  // "squash", "bases", "carve"
  std::vector<PlanImage> images;
  std::vector<PlanLayer> layers;  // empty for squash
  std::vector<PlanBase> bases;    // of level bases; each comes after the one it is on
};

struct PlanFile {
  std::string path;
  Digest digest;  // sha256 of the file
  std::vector<PlanFileLevel> levels;

  // The level of that name, or the only one when `name` is empty. Throws InputError that lists the
  // levels.
  [[nodiscard]] const PlanFileLevel& Level(std::string_view name) const;
};

// Reads at most 2 GiB. Throws InputError "PATH: levels[1].layers[3].from[0].entries: expected ...,
// found ..."; std::system_error when the file cannot be read.
[[nodiscard]] PlanFile ReadPlanFile(const std::string& path);

// The same for a text; `path` is what messages call it.
[[nodiscard]] PlanFile ParsePlanFile(const std::string& path, std::string_view text);

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
