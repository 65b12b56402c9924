// A plan file (schema gneiss.plan/1, design.md 7) as `apply` needs it: of each level the layers
// that every image gets, and of which entries of today's layers the new ones are made.
//
// A plan comes from a file that anybody may have written: every field that is read is checked.
//
// Leaves out: costs, proofs and recommendations; whether it is a plan of the fleet at hand
// (plan_match.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// What a plan file (schema gneiss.plan/1) says of its levels and recommendations, to compare it
// with another.
//
// Leaves out: images and layers (io/tables/plan_file.h).

struct PlanFigures {
  Bytes cost = 0;
  Bytes storage_bytes = 0;
  Bytes transfer_bytes = 0;
  std::int64_t layer_references = 0;
};

struct PlanLevelSummary {
  std::string name;  // "squash", "rebase", "bases", "carve"
  PlanFigures planned;
  double gap = 0;
  std::string status;
};

struct RecommendationSummary {
  std::string id;
  std::string kind;
  std::string title;
  Bytes saves_cost = 0;
  Bytes saves_storage_bytes = 0;
  Bytes saves_transfer_bytes = 0;
  std::vector<std::string> images;
};

struct PlanSummary {
  std::string path;
  std::int64_t images = 0;
  Bytes logical_bytes = 0;
  Bytes physical_bytes = 0;
  std::string model;    // in words
  PlanFigures current;  // today's layout
  std::vector<PlanLevelSummary> levels;
  std::vector<RecommendationSummary> recommendations;  // in the order of the file
};

// Throws InputError "PATH: levels[0].planned.cost: expected ..., found ..."; std::system_error when
// the file cannot be read. Reads at most 2 GiB.
[[nodiscard]] PlanSummary ReadPlanSummary(const std::string& path);

// The same for a text; `path` is what messages call it.
[[nodiscard]] PlanSummary ParsePlanSummary(const std::string& path, std::string_view text);

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
  // That it counts new layers in; nullopt: as they are compressed today, or it does not say.
  std::optional<LayerCodec> codec;
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

}  // namespace gneiss
