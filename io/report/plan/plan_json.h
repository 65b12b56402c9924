// A Plan as JSON, schema "gneiss.plan/1" (design.md 7): raw integers, no times, no paths.
#pragma once

#include <cstdint>
#include <ostream>

#include "io/json/json_writer.h"
#include "planner/cost/audit.h"
#include "planner/fleet/accounting.h"
#include "planner/plan/plan.h"

namespace gneiss {

// What a layout costs, as the JSON of every report has it.

[[nodiscard]] Json LayoutCostJson(const LayoutCost& cost);

// Writes the whole plan, every image and every recommendation, in one pass. `bad_images` are those
// that reading left out. REQUIRES: `plan` and `totals` were made of `fleet`.
void WritePlanJson(const Fleet& fleet, const FleetTotals& totals, const Plan& plan,
                   std::int64_t bad_images, std::ostream& out);

}  // namespace gneiss
