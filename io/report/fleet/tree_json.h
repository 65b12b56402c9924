// The layer trie as JSON, schema "gneiss.tree/1": a flat list of nodes, parents before children.
#pragma once

#include <ostream>

#include "io/report/fleet/tree_report.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// Lists every node within limits.depth whose branch weighs limits.min_size or more; limits.top and
// limits.fold are for screens. REQUIRES: `report` was made of `fleet`.
void WriteTreeJson(const Fleet& fleet, const TreeReport& report, const TreeLimits& limits,
                   std::ostream& out);

}  // namespace gneiss
