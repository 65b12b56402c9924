#include "io/apply/apply_report.h"

#include <cmath>

namespace gneiss {

const AppliedLayer* ApplyReport::Worst() const {
  const AppliedLayer* worst = nullptr;
  for (const AppliedLayer& layer : new_layers) {
    if (layer.size < kLargeLayerBytes && layer.predicted < kLargeLayerBytes) continue;
    if (worst == nullptr || std::abs(ErrorOf(layer)) > std::abs(ErrorOf(*worst))) worst = &layer;
  }
  return worst;
}

}  // namespace gneiss
