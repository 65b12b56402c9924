// Where runtimes do not agree about what the layers of a fleet come to when they are merged, in
// words. Gneiss merges as containerd does on overlayfs (planner/contents/overlay.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/contents/overlay.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// On whose word contents are known, for a screen.

// ", as the shipped inventories say": what goes on after "contents known of ..."; empty where
// nothing has to be said.
[[nodiscard]] std::string_view OnWhoseWord(Belief belief);

// A sentence for each kind that is there, with a place where it is met; without the oddities that
// all runtimes take alike.
[[nodiscard]] std::vector<std::string> MergeWarningTexts(const Fleet& fleet,
                                                         const LayerContents& contents,
                                                         const OverlayWarnings& warnings);

}  // namespace gneiss
