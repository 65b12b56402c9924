// A FleetDiff as text for a screen or as Markdown for a merge request: what changed in words, then
// tables by cause, by repository and by image, whose rows add up.
#pragma once

#include <cstddef>
#include <ostream>

#include "io/text/table.h"
#include "planner/fleet/fleet.h"
#include "planner/questions/fleet_diff.h"

namespace gneiss {

struct DiffScreen {
  ScreenStyle style = {};
  std::size_t top = 20;   // rows of a table, the rest in "[N others]"; 0 for all
  bool markdown = false;  // `style` gives the units only
};

// REQUIRES: `diff` was made of `before` and `after`.
void PrintFleetDiff(const Fleet& before, const Fleet& after, const FleetDiff& diff,
                    const DiffScreen& screen, std::ostream& out);

}  // namespace gneiss
