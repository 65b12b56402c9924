// What changed from one plan to another: the levels, and the recommendations that came, went or
// changed. Computed from their files; printed as text, Markdown and JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "io/report/fleet/fleet_diff.h"
#include "io/tables/plan_file.h"

namespace gneiss {

// A level of both plans, or of one.
struct PlanLevelDiff {
  std::string name;
  std::optional<PlanLevelSummary> before;
  std::optional<PlanLevelSummary> after;
};

struct RecommendationDiff {
  std::optional<RecommendationSummary> before;  // nullopt: it came
  std::optional<RecommendationSummary> after;   // nullopt: it went
  Bytes saves_storage() const {                 // what it saves more than before
    return (after ? after->saves_storage_bytes : 0) - (before ? before->saves_storage_bytes : 0);
  }
};

struct PlanDiff {
  PlanSummary before;  // without their recommendations
  PlanSummary after;
  std::vector<PlanLevelDiff> levels;
  // That came, went or changed in what they save; largest difference of the bytes stored first.
  std::vector<RecommendationDiff> recommendations;
  std::int64_t num_unchanged = 0;
};

// Recommendations are one when they are of one kind for the same images, and if several are, of one
// title or else in their order; then those of one title. Numbers such as S1 are ranks and say
// nothing.
[[nodiscard]] PlanDiff DiffPlans(PlanSummary before, PlanSummary after);

// Text or Markdown, as `screen` says.
void PrintPlanDiff(const PlanDiff& diff, const DiffScreen& screen, std::ostream& out);

// Schema "gneiss.diff/1", kind "plans".
void WritePlanDiffJson(const PlanDiff& diff, std::ostream& out);

}  // namespace gneiss
