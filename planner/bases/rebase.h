// The rebase level of a plan (design.md 5.2 a): which versions of a fleet's bases to keep, and who
// moves. The move set is that of rebase_problem.h; the bound is rebase_bound.h's, the plan local
// search's under the exact cost (rebase_search.h) from today and from what the bound's facility
// location chose, round by round, until they meet. Audited from the chains that result.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "planner/bases/drift.h"
#include "planner/bases/lineages.h"
#include "planner/contents/layer_contents.h"
#include "planner/cost/audit.h"
#include "planner/cost/cost_model.h"
#include "planner/cost/today.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

struct RebaseOptions {
  LineageOptions lineages;
  std::vector<std::string> pins;  // shell patterns over refs (fnmatch): images that do not move
  // What else keeps images where they are, Windows images, shows in it; may be null.
  const LayerContents* contents = nullptr;
  bool allow_older = false;           // images may move to versions known to be older
  double gap_tolerance = 0;           // stop at a gap of this or less
  std::function<bool()> should_stop;  // true ends the search with the best so far; may be empty
};

struct RebasePlan {
  std::vector<Drift> moves;  // largest saving first; an image is in one of them at most
  std::vector<Drift> weak;   // suggestions to look at, in no figure of the plan; largest first
  std::int64_t num_moved_images = 0;
  LayoutCost current;
  LayoutCost planned;                        // after all moves; upper layers unchanged
  Bytes lower_bound = 0;                     // in the unit of cost, of any choice in the move set
  PlanStatus status = PlanStatus::kOptimal;  // kOptimal: within kOptimalityTolerance
  std::int64_t num_groups = 0;               // base groups that have a choice
  std::int64_t num_choices = 0;              // of all groups, to stay not counted
  std::int64_t num_rounds = 0;

  [[nodiscard]] double gap() const { return RelativeGap(planned.cost, lower_bound); }
};

// Throws InputError when a pin or a lineage rule matches nothing, or costs leave int64; AuditError
// when claim and recount differ. REQUIRES: `today` is made with `model`.
[[nodiscard]] RebasePlan PlanRebase(const Fleet& fleet, const CostModel& model, const Today& today,
                                    const RebaseOptions& options = {});

}  // namespace gneiss
