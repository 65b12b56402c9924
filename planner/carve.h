// The carve level of a plan (design.md 5.3): which layers to make of a fleet's contents, whoever
// built them, so that no image has more than a given number and the fleet costs the least. Sets the
// problem up for solver/layer_carving, adds the directories, and audits the answer.
#pragma once

#include <cstdint>
#include <functional>

#include "planner/audit.h"
#include "planner/content_atoms.h"
#include "planner/cost_model.h"
#include "planner/fleet.h"
#include "planner/generated_layout.h"
#include "planner/layer_contents.h"
#include "planner/squash.h"
#include "planner/today.h"

namespace gneiss {

struct CarvePlanOptions {
  std::uint32_t max_layers = kContainerdMaxLayers;  // per image, >= 1
  bool ignore_mtime = false;                        // as `atoms` was made with
  std::function<bool()> should_stop;                // may be empty
};

struct CarvePlan {
  GeneratedLayout layout;
  LayoutCost current;
  LayoutCost planned;          // images whose contents are not known keep their layers
  Bytes lower_bound = 0;       // of any layout of at most max_layers layers, in the unit of cost
  Bytes file_level_bytes = 0;  // stored if every file were stored once, the rest as it is
  PlanStatus status = PlanStatus::kOptimal;
  std::int64_t num_known = 0;  // images
};

// REQUIRES: `today` is made with `model`, `contents` has the fleet's layers, `atoms` are its.
// Throws InputError when costs leave int64, AuditError when claim and recount differ.
[[nodiscard]] CarvePlan PlanCarve(const Fleet& fleet, const CostModel& model, const Today& today,
                                  const LayerContents& contents, const ContentAtoms& atoms,
                                  const CarvePlanOptions& options);

}  // namespace gneiss
