// What a run knows of the contents of a fleet's layers.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "planner/fleet.h"
#include "planner/inventory.h"
#include "planner/path_tree.h"

namespace gneiss {

// The inventories of a fleet's layers with their paths, by layer. Owned here.
struct LayerContents {
  PathTree paths;
  std::vector<std::optional<Inventory>> inventories;  // nullopt: contents not known
  std::vector<LayerPaths> layer_paths;                // empty where there is no inventory

  explicit LayerContents(std::size_t num_layers)
      : inventories(num_layers), layer_paths(num_layers) {}
  // REQUIRES: none was added for the layer before.
  void Add(LayerIndex layer, Inventory inventory);

  // REQUIRES of all: the contents of the layer are known.
  const Inventory& InventoryOf(EntryRef ref) const { return *inventories[ref.layer]; }
  const Entry& EntryOf(EntryRef ref) const { return InventoryOf(ref).entries[ref.entry]; }
  PathIndex PathOf(EntryRef ref) const { return layer_paths[ref.layer].path[ref.entry]; }
  // REQUIRES: a regular file.
  const Digest& ContentOf(EntryRef ref) const {
    return InventoryOf(ref).contents[EntryOf(ref).content];
  }
};

}  // namespace gneiss
