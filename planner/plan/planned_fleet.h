// A fleet as a level of its plan leaves it: the same images with the planned layers, so that
// whatever reads a fleet (the sharing graph, the accounting) can look at a plan.
#pragma once

#include <cstdint>

#include "planner/fleet/fleet.h"
#include "planner/plan/plan.h"

namespace gneiss {

enum class PlanLevel : std::uint8_t { kToday, kSquash, kBases, kCarve };

// Layers that are not there yet are named by the sha256 of what they are made of, and say so in
// created_by; images keep refs, platform and pulls, and lose what their manifests said. Throws
// InputError where the plan lacks the level. REQUIRES: `plan` was made of `fleet`.
[[nodiscard]] Fleet MakePlannedFleet(const Fleet& fleet, const Plan& plan, PlanLevel level);

}  // namespace gneiss
