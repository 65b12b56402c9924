// What a run knows of the contents of a fleet's layers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "planner/contents/inventory.h"
#include "planner/contents/paths.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// On whose word the contents of layers are what they are said to be, the surest first.
enum class Belief : std::uint8_t {
  kUnknown,  // nothing is known
  kOwn,      // this run or an earlier one of this user or of root read them
  kKeyed,    // somebody who has the store's key did
  kTrusted,  // another user may have written it; taken, since asked to
  kShipped,  // whoever gave the fleet says so, and there is nothing to hold it against
};

// "none", "own", "keyed", "trusted" or "shipped".
[[nodiscard]] std::string_view BeliefName(Belief belief);

// The inventories of a fleet's layers with their paths, by layer. Owned here.
struct LayerContents {
  Belief belief = Belief::kUnknown;  // the least sure of all inventories
  PathTree paths;
  std::vector<std::optional<Inventory>> inventories;  // nullopt: contents not known
  std::vector<LayerPaths> layer_paths;                // empty where there is no inventory
  std::vector<std::uint8_t> is_no_tar;  // 1: read, and found to be none; so without inventory

  explicit LayerContents(std::size_t num_layers)
      : inventories(num_layers),
        layer_paths(num_layers),
        is_no_tar(num_layers, 0),
        prices_(num_layers, 1.0) {}
  // With the directories that it implies. REQUIRES: none was added for the layer before.
  void Add(LayerIndex layer, Inventory inventory, Belief its_belief = Belief::kOwn);

  // The place in a chain of the first layer that was read as if it stood elsewhere, being the
  // lowest of another image; nullopt: there is none, as in all images but made-up ones.
  std::optional<std::size_t> FindMisread(std::span<const LayerIndex> chain) const;

  // REQUIRES of all: the contents of the layer are known.
  const Inventory& InventoryOf(EntryRef ref) const { return *inventories[ref.layer]; }
  const Entry& EntryOf(EntryRef ref) const { return InventoryOf(ref).entries[ref.entry]; }
  PathIndex PathOf(EntryRef ref) const { return layer_paths[ref.layer].path[ref.entry]; }
  // REQUIRES: a regular file.
  const Digest& ContentOf(EntryRef ref) const {
    return InventoryOf(ref).contents[EntryOf(ref).content];
  }

  // What new layers are compressed with; nullopt: each entry weighs in them what it does today.
  // Else it does times what the samples say of its layer, few as they are, and of all layers of
  // that codec. Call when all layers have been added. Time O(layers).
  void SetNewCodec(std::optional<LayerCodec> codec);
  std::optional<LayerCodec> new_codec() const { return new_codec_; }
  // "gzip", "zstd" or "today".
  std::string_view NewCodecName() const {
    return new_codec_ ? LayerCodecName(*new_codec_) : "today";
  }
  // Compressed bytes of an entry of this layer in a new one, with its headers; at most
  // kMaxNewBytes.
  [[nodiscard]] Bytes NewBytes(LayerIndex layer, const Entry& entry) const;
  [[nodiscard]] Bytes NewBytesOf(EntryRef ref) const { return NewBytes(ref.layer, EntryOf(ref)); }
  // Whether that is what it weighs today but for the compressor's level: no other codec's guess.
  [[nodiscard]] bool IsOfNewCodec(LayerIndex layer) const;
  static constexpr Bytes kMaxNewBytes = Bytes{1} << 62;

 private:
  std::optional<LayerCodec> new_codec_;
  std::vector<double> prices_;  // by layer: new bytes for one of today
};

}  // namespace gneiss
