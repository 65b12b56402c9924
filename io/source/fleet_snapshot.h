// A fleet as a fleet file (design.md 7): what commands knew of its images, without what the layers
// hold. Read back it is the same fleet, whatever it was read from.
#pragma once

#include <functional>
#include <string_view>

#include "planner/fleet/fleet.h"

namespace gneiss {

// Hands over a line for each image and ref, in the fleet's order, each with its newline. What an
// image has once for all its refs stands in its first line; the others repeat what makes it known,
// and values beyond the first of a label. Memory is the longest line.
void WriteFleetLines(const Fleet& fleet, const std::function<void(std::string_view line)>& write);

}  // namespace gneiss
