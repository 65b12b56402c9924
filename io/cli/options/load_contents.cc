#include "io/cli/options/load_contents.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/cli/options/scan_layers.h"
#include "io/cli/terminal/progress.h"
#include "io/store/inventory_store.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

// From here on it is quicker to list a store than to try its files.
constexpr std::size_t kLayersToList = 10'000;

// Layers with one thing to say of them, and what the first of them is an example of.
struct Tally {
  std::vector<LayerIndex> layers;
  std::string first;

  std::int64_t num() const { return std::ssize(layers); }
  void Add(LayerIndex layer, const std::string& example) {
    if (layers.empty()) first = example;
    layers.push_back(layer);
  }
};

struct LoadedLayer {
  Inventory inventory;
  Belief belief = Belief::kOwn;
};

class ContentsLoader {
 public:
  ContentsLoader(const LoadedFleet& loaded, const StoreArguments& store, bool quiet,
                 Console& console, NoStore no_store)
      : loaded_(loaded),
        arguments_(store),
        quiet_(quiet),
        console_(console),
        layers_(loaded.fleet.layers.size()),
        is_no_tar_(loaded.fleet.layers.size(), 0) {
    const std::vector<std::string>& layouts = loaded.blobs.directories();
    try {
      stores_.push_back(OpenStore(store));
      has_own_ = true;
    } catch (const InputError&) {
      // Without a home there is no default store; a layout may have what is needed.
      if (!store.directory.empty() || !store.key_file.empty()) throw;
      if (layouts.empty() && no_store == NoStore::kIsError) throw;
    }
    // What a layout says of its layers is its own affair, and must not pass for what is known of
    // another source's.
    if (loaded.num_sources == 1) {
      for (const std::string& layout : layouts) stores_.push_back(OpenShippedStore(layout, store));
    }
  }

  LayerContents Load(std::span<const LayerIndex> layers) {
    const std::size_t num_layers = layers.empty() ? layers_.size() : layers.size();
    if (num_layers >= kLayersToList) {
      for (const InventoryStore& store : stores_) listings_.push_back(store.List());
    }
    for (std::size_t i = 0; i < num_layers; ++i) {
      LoadLayer(layers.empty() ? static_cast<LayerIndex>(i) : layers[i]);
    }
    if (!to_scan_.empty()) ScanAnew();
    SayWhatIsOdd();
    LayerContents contents(layers_.size());
    for (LayerIndex l = 0; l < layers_.size(); ++l) {
      if (layers_[l]) contents.Add(l, std::move(layers_[l]->inventory), layers_[l]->belief);
      contents.is_no_tar[l] = is_no_tar_[l];
    }
    return contents;
  }

 private:
  ParsedDigest DigestOf(LayerIndex l) const {
    const Layer& layer = loaded_.fleet.layers[l];
    return {.digest = layer.digest, .verifiable = layer.verifiable};
  }

  void LoadLayer(LayerIndex l) {
    std::optional<bool> at_hand;
    const auto is_at_hand = [&] {
      if (!at_hand) {
        at_hand = loaded_.blobs.IsAtHand(loaded_.fleet.digest_text(loaded_.fleet.layers[l]));
      }
      return *at_hand;
    };
    bool scans = arguments_.rescan && is_at_hand();
    for (std::size_t s = 0; s < stores_.size() && !scans; ++s) {
      if (!listings_.empty() && !listings_[s].Has(DigestOf(l))) continue;
      InventoryStore::ReadLayer read = stores_[s].Read(DigestOf(l));
      if (!read.doubt.empty()) doubted_.Add(l, read.doubt);
      if (!read.damage.empty()) damaged_.Add(l, read.damage);
      const bool is_shipped = read.belief == Belief::kShipped && !arguments_.trusts;
      // A fleet may have at the bottom what others have above, and it may mean something else
      // there.
      const bool is_read_otherwise =
          read.scanned && read.scanned->inventory &&
          !IsReadFor(loaded_.fleet.layers[l].is_lowest, read.scanned->inventory->warnings);
      if (!read.doubt.empty() || !read.damage.empty() || is_shipped || is_read_otherwise) {
        scans = is_at_hand();
      }
      if (read.scanned && !scans && Take(l, s, std::move(read))) return;
    }
    if (scans) to_scan_.push_back(l);
  }

  // False when the fleet contradicts what was read.
  bool Take(LayerIndex l, std::size_t s, InventoryStore::ReadLayer read) {
    if (!read.scanned->inventory) {
      is_no_tar_[l] = 1;
      return true;
    }
    Inventory& inventory = *read.scanned->inventory;
    const std::string contradiction = FindContradiction(loaded_.fleet, loaded_.fleet.layers[l],
                                                        inventory.blob_size, inventory.diff_id);
    if (!contradiction.empty()) {
      Say(fmt::format("warning: {}: {}; its contents count as unknown",
                      stores_[s].PathOf(DigestOf(l)), contradiction));
      return false;
    }
    if (read.belief == Belief::kShipped) ++num_shipped_;
    if (read.belief == Belief::kTrusted) ++num_trusted_;
    layers_[l] = {std::move(inventory), read.belief};
    return true;
  }

  // Where the next run would not believe it either, a store is filled only when asked to.
  bool IsWorthKeeping() const {
    if (!has_own_ || arguments_.rescan) return has_own_;
    try {
      return stores_.front().FindDoubt().empty();
    } catch (const std::system_error&) {
      return false;
    }
  }

  void ScanAnew() {
    if (IsWorthKeeping()) {
      try {
        RunScan(to_scan_, /*keeps=*/true);
        return;
      } catch (const std::system_error& error) {
        Say(fmt::format("warning: {}; what is scanned is not kept", error.what()));
      }
    }
    std::vector<LayerIndex> rest = to_scan_;
    std::erase_if(rest, [&](LayerIndex l) { return layers_[l].has_value(); });
    if (!rest.empty()) RunScan(rest, /*keeps=*/false);
  }

  void RunScan(std::span<const LayerIndex> layers, bool keeps) {
    Progress progress(console_, quiet_);
    FleetScanOptions options =
        MakeScanOptions(ScanArguments(), /*strict=*/false, quiet_, console_, progress);
    options.rescan = true;
    options.keeps = keeps;
    options.layers = layers;
    std::mutex mutex;
    options.on_scanned = [&](LayerIndex l, const ScannedLayer& scanned) {
      const std::lock_guard lock(mutex);
      if (!scanned.inventory) {
        is_no_tar_[l] = 1;
        return;
      }
      layers_[l] = {*scanned.inventory, Belief::kOwn};
    };
    // One that is kept nowhere needs no place.
    InventoryStore nowhere("/nonexistent");
    const FleetScan scan = ScanFleet(loaded_.fleet, loaded_.blobs,
                                     has_own_ ? stores_.front() : nowhere, ScanLayer, options);
    for (const LayerIndex l : layers) {
      const std::string& problem = scan.layers[l].problem;
      if (scan.layers[l].outcome != LayerOutcome::kBad) continue;
      // It may be the place in the store that is bad, and the layer is known.
      if (layers_[l]) {
        unkept_.Add(l, problem);
      } else {
        unreadable_.Add(
            l, fmt::format("{}: {}", loaded_.fleet.digest_text(loaded_.fleet.layers[l]), problem));
      }
    }
  }

  static std::string AndOthers(const Tally& tally, std::string_view what) {
    return tally.num() == 1 ? std::string() : fmt::format(" [{} of such {}]", tally.num(), what);
  }

  // What became of layers whose inventories are no evidence. What a layout has of the others has a
  // line of its own.
  std::string Outcome(const Tally& tally) const {
    const auto was_scanned = [&](LayerIndex l) { return std::ranges::binary_search(to_scan_, l); };
    const std::int64_t num_scanned = std::ranges::count_if(tally.layers, was_scanned);
    const std::int64_t num_unknown = std::ranges::count_if(
        tally.layers, [&](LayerIndex l) { return !layers_[l] && !was_scanned(l); });
    std::string text;
    if (num_scanned > 0) {
      text += num_scanned == tally.num() ? std::string("; scanned anew")
                                         : fmt::format("; {} scanned anew", num_scanned);
    }
    if (num_unknown > 0) {
      text += fmt::format(
          "; contents of {} unknown, no blob at hand",
          num_unknown == tally.num() ? num_unknown == 1 ? "it" : "them" : FormatCount(num_unknown));
    }
    return text;
  }

  void SayWhatIsOdd() {
    if (doubted_.num() > 0) {
      Say(fmt::format("{} in {} {} not believed: {}{}{}",
                      FormatCounted(doubted_.num(), "inventory", "inventories"),
                      stores_.front().directory(), doubted_.num() == 1 ? "is" : "are",
                      doubted_.first, Outcome(doubted_),
                      arguments_.key_file.empty() ? "; --trust-store takes them" : ""));
    }
    if (damaged_.num() > 0) {
      Say(fmt::format("warning: {}{}{}", damaged_.first, AndOthers(damaged_, "inventories"),
                      Outcome(damaged_)));
    }
    if (unkept_.num() > 0) {
      Say(fmt::format("warning: {}{}", unkept_.first, AndOthers(unkept_, "inventories")));
    }
    if (unreadable_.num() > 0) {
      Say(fmt::format("warning: {}{}; contents unknown", unreadable_.first,
                      AndOthers(unreadable_, "layers")));
    }
    if (num_trusted_ > 0) {
      Say(fmt::format("contents of {} as {} has them, which others could have written",
                      FormatCounted(num_trusted_, "layer"), stores_.front().directory()));
    }
    if (num_shipped_ > 0) {
      Say(fmt::format("contents of {} as {} itself has them, without the blobs",
                      FormatCounted(num_shipped_, "layer"), stores_.back().directory()));
    }
  }

  void Say(std::string_view text) {
    if (!quiet_) *console_.err << "gneiss: " << Printable(text) << '\n';
  }

  const LoadedFleet& loaded_;
  const StoreArguments& arguments_;
  bool quiet_;
  Console& console_;
  std::vector<InventoryStore> stores_;             // the user's own, then those of layouts
  std::vector<InventoryStore::Listing> listings_;  // of each store; none: files are tried
  bool has_own_ = false;
  std::vector<std::optional<LoadedLayer>> layers_;
  std::vector<std::uint8_t> is_no_tar_;  // per layer, 1: read, and found to be none
  std::vector<LayerIndex> to_scan_;
  Tally doubted_;     // inventories that others could have written
  Tally damaged_;     // that are none
  Tally unkept_;      // layers that were scanned, but not kept
  Tally unreadable_;  // that could not be scanned
  std::int64_t num_trusted_ = 0;
  std::int64_t num_shipped_ = 0;
};

}  // namespace

LayerContents LoadContents(const LoadedFleet& loaded, const StoreArguments& store, bool quiet,
                           Console& console, NoStore no_store, std::span<const LayerIndex> layers) {
  return ContentsLoader(loaded, store, quiet, console, no_store).Load(layers);
}

}  // namespace gneiss
