#include "planner/cost/today.h"

namespace gneiss {

Today MakeToday(const Fleet& fleet, const CostModel& model) {
  Today today;
  today.cells = ScopeCells(fleet, model.options().scope);
  today.trie = BuildLayerTrie(fleet);
  const Layout layout = CurrentLayout(fleet);
  today.blobs = FindLayoutBlobs(fleet, today.cells, layout);
  today.cost = CostOfBlobs(fleet, model, layout, today.blobs);
  // Blobs and layers are both numbered by first use.
  RequireEqual("the number of layers in use", static_cast<std::int64_t>(fleet.layers.size()),
               static_cast<std::int64_t>(today.blobs.blobs.size()));
  return today;
}

}  // namespace gneiss
