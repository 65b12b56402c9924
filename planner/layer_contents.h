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
};

}  // namespace gneiss
