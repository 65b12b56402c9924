// What a layout costs, as the JSON of every report has it.
#pragma once

#include "io/json/json_writer.h"
#include "planner/cost/audit.h"

namespace gneiss {

[[nodiscard]] Json LayoutCostJson(const LayoutCost& cost);

}  // namespace gneiss
