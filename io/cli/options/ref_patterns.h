// PATTERN on the command line: shell patterns over the refs and digests of a fleet.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "planner/fleet/fleet.h"
#include "planner/fleet/ref_selection.h"

namespace gneiss {

// What the patterns of `option` select (planner/fleet/ref_selection.h). Throws InputError for the
// first one that matches nothing, with what may have been meant.
[[nodiscard]] RefSelection SelectNamedRefs(const Fleet& fleet,
                                           std::span<const std::string> patterns,
                                           std::string_view option);

}  // namespace gneiss
