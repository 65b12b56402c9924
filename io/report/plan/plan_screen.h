// A Plan as text for a screen: where the fleet stands, what to do first, and how sure we are.
#pragma once

#include <cstddef>
#include <ostream>

#include "io/text/table.h"
#include "planner/fleet/accounting.h"
#include "planner/plan/plan.h"

namespace gneiss {

struct PlanScreen {
  ScreenStyle style;
  std::size_t top = 5;  // recommendations and bases shown in full, 0 for all
};

// REQUIRES: `plan` and `totals` were made of `fleet`.
void PrintPlan(const Fleet& fleet, const FleetTotals& totals, const Plan& plan,
               const PlanScreen& screen, std::ostream& out);

}  // namespace gneiss
