// The bases level of a plan, from manifests: the common bases that a fleet has already, and which
// images should stand on another version of theirs (rebase.h).
#pragma once

#include <cstdint>
#include <vector>

#include "planner/bases/drift.h"
#include "planner/bases/rebase.h"
#include "planner/cost/audit.h"
#include "planner/cost/cost_model.h"
#include "planner/cost/today.h"
#include "planner/fleet/fleet.h"
#include "planner/squash/recommendation.h"

namespace gneiss {

struct BasesReport {
  std::vector<CommonBase> bases;  // largest saving first
  std::vector<Drift> drift;       // the plan's moves, then weak suggestions
  std::int64_t num_moved_images = 0;
  LayoutCost current;
  LayoutCost moved;       // after all moves that are not weak
  Bytes lower_bound = 0;  // of RebasePlan
  PlanStatus status = PlanStatus::kOptimal;

  double gap() const { return RelativeGap(moved.cost, lower_bound); }
};

// Throws what FindCommonBases and PlanRebase throw. REQUIRES: `today` is made with `model`.
[[nodiscard]] BasesReport FindBases(const Fleet& fleet, const CostModel& model, const Today& today,
                                    const RebaseOptions& options = {});

// All drift as recommendations, "B1" first.
[[nodiscard]] std::vector<Recommendation> RecommendMoves(const BasesReport& report);

}  // namespace gneiss
