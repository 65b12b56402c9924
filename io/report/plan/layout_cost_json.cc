#include "io/report/plan/layout_cost_json.h"

namespace gneiss {

Json LayoutCostJson(const LayoutCost& cost) {
  return {{"cost", cost.cost},
          {"storage_bytes", cost.storage_bytes},
          {"transfer_bytes", cost.transfer_bytes},
          {"overhead_bytes", cost.overhead_bytes},
          {"layer_references", cost.layer_references},
          {"distinct_layers", cost.distinct_layers},
          {"max_layers", cost.max_layers},
          {"layers_per_image", cost.layers_per_image}};
}

}  // namespace gneiss
