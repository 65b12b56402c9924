// The contents of a fleet's layers for commands that look into them: from the inventory store, from
// inventories that lie in a layout itself, or from the blobs where neither is to be believed.
#pragma once

#include <cstdint>
#include <span>

#include "io/cli/options/load_fleet.h"
#include "io/cli/options/scan_layers.h"
#include "io/cli/terminal/console.h"
#include "planner/contents/layer_contents.h"

namespace gneiss {

// What a run without a home, and so without a default store, comes to where no layout can help.
enum class NoStore : std::uint8_t { kIsError, kIsEmpty };

// Reads what is there; layers without an inventory are left out. An inventory of the store that
// another user could have written, or that is damaged, is no evidence: where the blob lies in a
// source on this machine the layer is scanned, and the inventory replaced where that helps the next
// run; elsewhere the contents are not known. An OCI layout that is the only source may hold
// inventories beside its blobs, in the form of a store: they come from whoever gave the layout, and
// are taken only where the blob does not lie there too. --rescan scans whatever has a blob. All of
// this, and an inventory that the fleet contradicts in size or diff_id, is said on console.err
// unless quiet. Of `layers` alone unless that is empty.
[[nodiscard]] LayerContents LoadContents(const LoadedFleet& loaded, const StoreArguments& store,
                                         bool quiet, Console& console,
                                         NoStore no_store = NoStore::kIsError,
                                         std::span<const LayerIndex> layers = {});

}  // namespace gneiss
