// A TreeReport as text: figures on the left, the tree on the right.
#pragma once

#include <ostream>

#include "io/report/fleet/tree_report.h"
#include "io/text/table.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// REQUIRES: `report` was made of `fleet`.
void PrintTree(const Fleet& fleet, const TreeReport& report, const ScreenStyle& style,
               std::ostream& out);

}  // namespace gneiss
