// Layers whose contents a command needs and the store lacks, read there and then.
#pragma once

#include <map>
#include <span>
#include <string>

#include "io/cli/options/load_fleet.h"
#include "io/cli/options/scan_layers.h"
#include "io/cli/options/store_options.h"
#include "io/cli/terminal/console.h"
#include "planner/contents/layer_contents.h"

namespace gneiss {

// Adds to `contents` those of `layers` that it lacks and a source has the blob of, and keeps them
// in the store that --store names; where that cannot be written, which console.err says unless
// quiet, they serve this run alone. Returns why the others are not known, by layer. REQUIRES:
// `layers` is sorted.
[[nodiscard]] std::map<LayerIndex, std::string> ScanMissing(
    const LoadedFleet& loaded, const StoreArguments& store, std::span<const LayerIndex> layers,
    const ScanArguments& arguments, bool strict, bool quiet, Console& console,
    LayerContents& contents);

}  // namespace gneiss
