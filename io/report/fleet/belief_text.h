// On whose word contents are known, for a screen.
#pragma once

#include <string_view>

#include "planner/contents/layer_contents.h"

namespace gneiss {

// ", as the shipped inventories say": what goes on after "contents known of ..."; empty where
// nothing has to be said.
[[nodiscard]] std::string_view OnWhoseWord(Belief belief);

}  // namespace gneiss
