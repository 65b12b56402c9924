// The contents of a fleet's layers for commands that look into them: from the inventory store, or
// from inventories that lie in a layout itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "io/cli/console.h"
#include "io/cli/load_fleet.h"
#include "planner/layer_contents.h"

namespace CLI {
class App;
}

namespace gneiss {

// --store, for every command that reads or fills the inventory store; empty: the default one.
// `store` must outlive the parsing.
void AddStoreOption(CLI::App& app, std::string& store);

// What a run without a home, and so without a default store, comes to where no layout can help.
enum class NoStore : std::uint8_t { kIsError, kIsEmpty };

// Reads what is there; layers without an inventory are left out. A damaged file, and one that the
// fleet contradicts in size or diff_id, counts as absent and is named on console.err unless quiet.
// An OCI layout that is the only source may hold inventories beside its blobs, in the form of a
// store: they are taken on trust, after those of the store, and console.err says so. Of `layers`
// alone unless that is empty.
[[nodiscard]] LayerContents LoadContents(const LoadedFleet& loaded, const std::string& store,
                                         bool quiet, Console& console,
                                         NoStore no_store = NoStore::kIsError,
                                         std::span<const LayerIndex> layers = {});

}  // namespace gneiss
