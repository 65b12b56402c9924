// Which images of a fleet are newer than others, by the date that their configs give.
#pragma once

#include <cstdint>
#include <vector>

#include "planner/fleet/fleet.h"

namespace gneiss {

// Per image: a higher rank is newer, equal ones are of one time, kNone where no date is known:
// there is none, it is no RFC 3339 time, or it is one that reproducible builds write in place of a
// date (up to 1980-01-01T00:00:01Z). Time O(images log images).
[[nodiscard]] std::vector<std::uint32_t> CreationRanks(const Fleet& fleet);

}  // namespace gneiss
