// The inventory store of a command line: where it is, and what makes its files believed.
#pragma once

#include <string>

#include "io/store/inventory_store.h"

namespace CLI {
class App;
}

namespace gneiss {

struct StoreArguments {
  std::string directory;  // --store; empty: the default one
  std::string key_file;   // --store-key; empty: none
  bool trusts = false;    // --trust-store
  bool rescan = false;    // --rescan
};

// --store, --store-key, --trust-store and --rescan, for every command that reads or fills the
// store. `arguments` must outlive the parsing.
void AddStoreOptions(CLI::App& app, StoreArguments& arguments);

// Throws what InventoryStore::DefaultDirectory, StoreKey::ReadFile and InventoryStore throw.
[[nodiscard]] InventoryStore OpenStore(const StoreArguments& arguments);

// Beside a fleet that came with inventories, in `directory`: they are somebody's word, unless they
// have the store's key.
[[nodiscard]] InventoryStore OpenShippedStore(const std::string& directory,
                                              const StoreArguments& arguments);

// The options again, for a shell: each with a space before it.
[[nodiscard]] std::string StoreWords(const StoreArguments& arguments);

}  // namespace gneiss
