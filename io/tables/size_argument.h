// SIZE on the command line: "4096", "256KiB", "1.5GB".
#pragma once

#include <string_view>

#include "planner/fleet/bytes.h"

namespace gneiss {

// Bytes of a whole or decimal number with an optional unit: B; kB, MB, GB, TB, PB (powers of 1000);
// KiB, MiB, GiB, TiB, PiB (powers of 1024). Units in any case, a space before them allowed. K, M, G
// alone are refused, because they mean either. A part of a byte is rounded to the nearest.
// Throws InputError without source: "expected a size such as ..., found ...".
[[nodiscard]] Bytes ParseSize(std::string_view text);

}  // namespace gneiss
