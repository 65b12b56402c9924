// What a plan is asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "planner/bases/lineages.h"
#include "planner/cost/cost_model.h"
#include "planner/squash/squash.h"

namespace gneiss {

// In their order; some are left out where there is nothing to do.
enum class PlanStage : std::uint8_t {
  kToday,
  kSquash,
  kRecommendations,
  kRebase,
  kComparisons,
  kContents,  // what images show
  kNewBases,
  kCarve,
  kFrontier,
};

struct PlanOptions {
  CostOptions cost;
  SquashOptions squash;
  // Which bases are versions of one, and whether images may move to older ones.
  std::vector<LineageRule> lineages;
  std::vector<PastRef> past_refs;  // what images were called before
  bool allow_older = false;
  // Levels made of contents; each takes squash.max_layers and squash.pins.
  bool wants_new_bases = true;
  bool wants_carve = true;
  std::uint32_t num_bases = 0;  // as NewBasesOptions
  bool ignore_mtime = false;    // entries that differ in their time only are one
  bool wants_frontier = false;
  // Polled while levels made of contents are improved; true ends that with the best so far. May be
  // empty.
  std::function<bool()> should_stop;
  // Called with what begins now; may be empty.
  std::function<void(PlanStage stage)> on_stage;
};

}  // namespace gneiss
