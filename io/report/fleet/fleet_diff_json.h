// A FleetDiff as JSON, schema "gneiss.diff/1", kind "fleets": raw integers, every row.
#pragma once

#include <cstdint>
#include <ostream>

#include "planner/fleet/fleet.h"
#include "planner/questions/fleet_diff.h"

namespace gneiss {

// `bad_images` are those that reading left out, of both sides. REQUIRES: `diff` was made of
// `before` and `after`.
void WriteFleetDiffJson(const Fleet& before, const Fleet& after, const FleetDiff& diff,
                        std::int64_t bad_images, std::ostream& out);

}  // namespace gneiss
