#include "io/cli/load_contents.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/report/format.h"
#include "io/report/screen_text.h"
#include "io/store/inventory_store.h"

namespace gneiss {
namespace {

// From here on it is quicker to list a store than to try its files.
constexpr std::size_t kLayersToList = 10'000;

class ContentsLoader {
 public:
  ContentsLoader(const LoadedFleet& loaded, const std::string& store, bool quiet, Console& console,
                 NoStore no_store)
      : loaded_(loaded), quiet_(quiet), console_(console) {
    const std::vector<std::string>& layouts = loaded.blobs.directories();
    try {
      stores_.emplace_back(store.empty() ? InventoryStore::DefaultDirectory() : store);
      num_own_ = 1;
    } catch (const InputError&) {
      // Without a home there is no default store; a layout may have what is needed.
      if (layouts.empty() && no_store == NoStore::kIsError) throw;
    }
    // What a layout says of its layers is its own affair, and must not pass for what is known of
    // another source's.
    if (loaded.num_sources == 1) {
      for (const std::string& layout : layouts) stores_.emplace_back(layout);
    }
  }

  LayerContents Load(std::span<const LayerIndex> layers) {
    const Fleet& fleet = loaded_.fleet;
    LayerContents contents(fleet.layers.size());
    const std::size_t num_layers = layers.empty() ? fleet.layers.size() : layers.size();
    if (num_layers >= kLayersToList) {
      for (const InventoryStore& store : stores_) listings_.push_back(store.List());
    }
    for (std::size_t i = 0; i < num_layers; ++i) {
      LoadLayer(layers.empty() ? static_cast<LayerIndex>(i) : layers[i], contents);
    }
    if (num_damaged_ > 0) {
      Say(fmt::format("warning: {}{}", first_damage_,
                      num_damaged_ == 1 ? std::string()
                                        : fmt::format(" [{} of such inventories]", num_damaged_)));
    }
    if (num_on_trust_ > 0) {
      Say(fmt::format("contents of {} as {} itself has them; `gneiss scan` reads the layers",
                      FormatCounted(num_on_trust_, "layer"), stores_.back().directory()));
    }
    return contents;
  }

 private:
  void LoadLayer(LayerIndex l, LayerContents& contents) {
    const Layer& layer = loaded_.fleet.layers[l];
    for (std::size_t s = 0; s < stores_.size(); ++s) {
      const ParsedDigest digest{.digest = layer.digest, .verifiable = layer.verifiable};
      if (!listings_.empty() && !listings_[s].Has(digest)) continue;
      InventoryStore::ReadLayer read = stores_[s].Read(digest);
      if (!read.damage.empty() && num_damaged_++ == 0) first_damage_ = read.damage;
      if (!read.scanned) continue;
      if (!read.scanned->inventory) return;
      Inventory& inventory = *read.scanned->inventory;
      const std::string contradiction =
          FindContradiction(loaded_.fleet, layer, inventory.blob_size, inventory.diff_id);
      if (!contradiction.empty()) {
        Say(fmt::format("warning: {}: {}; its contents count as unknown", stores_[s].PathOf(digest),
                        contradiction));
        continue;
      }
      contents.Add(l, std::move(inventory));
      if (s >= num_own_) ++num_on_trust_;
      return;
    }
  }

  void Say(std::string_view text) {
    if (!quiet_) *console_.err << "gneiss: " << Printable(text) << '\n';
  }

  const LoadedFleet& loaded_;
  bool quiet_;
  Console& console_;
  std::vector<InventoryStore> stores_;             // the user's own, then those of layouts
  std::vector<InventoryStore::Listing> listings_;  // of each store; none: files are tried
  std::size_t num_own_ = 0;
  std::int64_t num_on_trust_ = 0;
  std::int64_t num_damaged_ = 0;
  std::string first_damage_;
};

}  // namespace

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
                           Console& console, NoStore no_store, std::span<const LayerIndex> layers) {
  return ContentsLoader(loaded, store, quiet, console, no_store).Load(layers);
}

}  // namespace gneiss
