// Files that look like secrets, by their paths and first bytes (waste_rules.h): in any layer,
// whether or not a later one deletes them, since whoever can pull the image has them.
//
// Limits: a path says what a file usually is, not what it holds. Keys inside other files (scripts,
// archives, environment variables, configs) are not found; files that packages publish as examples
// and tests are taken for no secrets.
#pragma once

#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/fleet/fleet.h"
#include "planner/waste/waste_rules.h"

namespace gneiss {

struct FoundSecret {
  EntryRef entry;
  WasteRuleIndex rule = kNoWasteRule;
};

// Of all layers whose contents are known, by layer, then path. REQUIRES: `contents` has the layers
// of `fleet`. Time O(entries).
[[nodiscard]] std::vector<FoundSecret> FindSecrets(const Fleet& fleet,
                                                   const LayerContents& contents);

}  // namespace gneiss
