// The contents of a fleet's layers for commands that look into them: from the inventory store, or
// from inventories that lie in a layout itself.
#pragma once

#include <string>

#include "io/cli/console.h"
#include "io/cli/load_fleet.h"
#include "planner/waste.h"

namespace CLI {
class App;
}

namespace gneiss {

// --store, for every command that reads or fills the inventory store; empty: the default one.
// `store` must outlive the parsing.
void AddStoreOption(CLI::App& app, std::string& store);

// Reads what is there; layers without an inventory are left out. A damaged file counts as absent
// and is named on console.err unless quiet. An OCI layout among the sources may hold inventories
// beside its blobs, in the form of a store.
[[nodiscard]] LayerContents LoadContents(const LoadedFleet& loaded, const std::string& store,
                                         bool quiet, Console& console);

}  // namespace gneiss
