// The last word on a plan that was carried out: what its new layers hold as they were written, and
// whether the images show with them what they show today. What is compared was read from blobs, of
// both sides, in this run; nothing of it comes from the plan.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/apply/plan_match.h"
#include "io/bytes/byte_source.h"
#include "io/store/scan_limits.h"
#include "planner/contents/inventory.h"
#include "planner/contents/layer_contents.h"
#include "planner/contents/new_layer.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// The inventory of a new layer's blob, read to its end. Throws InputError when it is not what its
// digest says, or cannot be scanned under the limits; std::system_error when it cannot be read.
[[nodiscard]] Inventory ReadNewLayer(ByteSource& blob, const Digest& digest, Bytes size,
                                     const ScanLimits& limits);
// Limits for a layer that this run has written: none but those of its own making.
[[nodiscard]] ScanLimits LimitsOfOwnLayers();

// Whether a blob holds exactly the entries of a new layer, in its order. Attributes in headers of
// hard links are not compared: nobody uses them.
[[nodiscard]] bool HoldsLayer(const Inventory& found, const NewLayer& layer,
                              const LayerContents& contents);

// Compares what changed images show with the layers of today and with their new ones, whose
// inventories are `written`, per blob of the plan; each distinct pair of chains once, on `jobs`
// threads. Layers whose contents are not known stand at the same place on both sides, and are left
// out. Images that cannot be compared, and why.
//
// `tick` is called in the caller's thread, about ten times a second. Throws InputError that names
// the first image that shows something else, the path, and what it is. Paths of `written` are added
// to `contents`, and directories that they imply to `written`. REQUIRES: inventories of all new
// blobs that some image has. Time O(entries of all changed images).
[[nodiscard]] std::map<ImageIndex, std::string> CompareWrittenImages(
    const Fleet& fleet, const PlannedImages& planned, LayerContents& contents,
    std::vector<std::optional<Inventory>>& written, std::int64_t jobs,
    const std::function<void(std::size_t done, std::size_t total)>& tick);

}  // namespace gneiss
