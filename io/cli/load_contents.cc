#include "io/cli/load_contents.h"

#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/report/screen_text.h"
#include "io/store/inventory_store.h"

namespace gneiss {

void AddStoreOption(CLI::App& app, std::string& store) {
  app.add_option("--store", store,
                 "directory of the inventories (default: $XDG_CACHE_HOME/gneiss or "
                 "~/.cache/gneiss)")
      ->check([](const std::string& path) {
        return std::string(path.empty() ? "expected a directory's name, found an empty one" : "");
      })
      ->type_name("DIR");
}

LayerContents LoadContents(const LoadedFleet& loaded, const std::string& store, bool quiet,
                           Console& console) {
  std::vector<InventoryStore> stores;
  try {
    stores.emplace_back(store.empty() ? InventoryStore::DefaultDirectory() : store);
  } catch (const InputError&) {
    // Without a home there is no default store; a layout may have what is needed.
    if (loaded.blobs.directories().empty()) throw;
  }
  for (const std::string& layout : loaded.blobs.directories()) stores.emplace_back(layout);
  const Fleet& fleet = loaded.fleet;
  LayerContents contents(fleet.layers.size());
  for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
    const Layer& layer = fleet.layers[l];
    for (const InventoryStore& candidate : stores) {
      InventoryStore::ReadLayer read =
          candidate.Read({.digest = layer.digest, .verifiable = layer.verifiable});
      if (!read.damage.empty() && !quiet) {
        *console.err << fmt::format("gneiss: warning: {}\n", Printable(read.damage));
      }
      if (!read.scanned) continue;
      if (read.scanned->inventory) contents.Add(l, std::move(*read.scanned->inventory));
      break;
    }
  }
  return contents;
}

}  // namespace gneiss
