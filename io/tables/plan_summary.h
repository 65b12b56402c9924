// What a plan file (schema gneiss.plan/1) says of its levels and recommendations, to compare it
// with another.
//
// Leaves out: images and layers (io/tables/plan_file.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "planner/fleet/bytes.h"

namespace gneiss {

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

}  // namespace gneiss
