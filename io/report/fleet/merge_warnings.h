// Where runtimes do not agree about what the layers of a fleet come to when they are merged, in
// words. Gneiss merges as containerd does on overlayfs (planner/contents/overlay.h).
#pragma once

#include <string>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/contents/overlay.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// A sentence for each kind that is there, with a place where it is met; without the oddities that
// all runtimes take alike.
[[nodiscard]] std::vector<std::string> MergeWarningTexts(const Fleet& fleet,
                                                         const LayerContents& contents,
                                                         const OverlayWarnings& warnings);

}  // namespace gneiss
