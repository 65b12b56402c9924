// Loops of symlinks within one layer that its entries lie below (hostile-layers, row 10). What is
// below a symlink keeps its own key and no link is ever followed on a disk; but no runtime can
// unpack a file below a loop, so a layer that has one is not what it seems.
#pragma once

#include "planner/inventory.h"

namespace gneiss {

// The first symlink that has entries of the layer below it and leads into a loop of the layer's own
// symlinks; nullptr when none does. As Linux has it: more than 40 symlinks on one way are
// a loop. Bounded: when all walks together have passed over 64 MiB of paths, the symlink at hand
// counts as one. REQUIRES: sorted.
[[nodiscard]] const Entry* FindSymlinkLoop(const Inventory& inventory);

}  // namespace gneiss
