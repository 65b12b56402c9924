// Two fleets as one.
#pragma once

#include "planner/fleet/fleet.h"

namespace gneiss {

// As if the sources of both had been read together; pulls of an image under refs of both add up.
// Throws InputError where they contradict each other: a digest with two sizes, a pool with two
// numbers of nodes. Time O(size), by way of fleet lines.
[[nodiscard]] Fleet JoinFleets(const Fleet& first, const Fleet& second);

}  // namespace gneiss
