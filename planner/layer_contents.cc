#include "planner/layer_contents.h"

#include <utility>

namespace gneiss {

void LayerContents::Add(LayerIndex layer, Inventory inventory) {
  layer_paths[layer] = paths.Add(inventory);
  inventories[layer] = std::move(inventory);
}

}  // namespace gneiss
