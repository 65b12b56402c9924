// The levels of a plan that are made of contents, for the images whose contents are known: common
// bases, carved layers, and what others of them would cost.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "planner/carve/content_problem.h"
#include "planner/carve/new_bases.h"
#include "planner/contents/content_atoms.h"
#include "planner/contents/layer_contents.h"
#include "planner/cost/today.h"
#include "planner/fleet/fleet.h"
#include "planner/plan/plan_options.h"

namespace gneiss {

// A point of a Pareto curve of carved layouts.
struct CarvePoint {
  std::uint32_t max_layers = 0;
  double storage_weight = 0;  // what the carving weighed; `cost` is in the plan's own model
  double transfer_weight = 0;
  LayoutCost cost;
};

// The levels made of contents.
struct ContentPlan {
  ContentAtoms atoms;             // what `bases` and `carve` speak of
  std::int64_t num_images = 0;    // with new layers; the others keep theirs
  LayoutCost floor;               // every file stored once (generated_plan.h)
  std::optional<NewBases> bases;  // none: not wanted, or too many images
  std::optional<GeneratedPlan> carve;
  std::vector<CarvePoint> by_layers;   // stored bytes against layers an image
  std::vector<CarvePoint> by_weights;  // stored against fetched bytes
};

// None where no image's contents are known, or none but pinned ones'. Throws what PlanNewBases and
// PlanCarve throw. REQUIRES: `today` is made with `model`, `contents` has the fleet's layers.
[[nodiscard]] std::optional<ContentPlan> PlanContents(const Fleet& fleet, const CostModel& model,
                                                      const Today& today,
                                                      const PlanOptions& options,
                                                      const LayerContents& contents);

}  // namespace gneiss
