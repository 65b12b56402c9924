#include "planner/audit.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace gneiss {

LayoutCost AuditLayout(const Fleet& fleet, const CostModel& model, const ImageGroups& cells,
                       const Layout& layout, const ChainOfImage& chains, MergedSizes* sizes) {
  return CostOfBlobs(fleet, model, layout,
                     FindLayoutBlobs(fleet, cells, layout, chains, HolderLists::kDrop, sizes));
}

LayoutCost CostOfBlobs(const Fleet& fleet, const CostModel& model, const Layout& layout,
                       const BlobTable& blobs) {
  LayoutCost result;
  double transfer = 0;
  for (const LayoutBlob& blob : blobs.blobs) {
    const double fetches = model.Fetches(blob.pulls, blob.pool_nodes);
    transfer += static_cast<double>(blob.size) * fetches;
    result.storage_bytes = CheckedAdd(result.storage_bytes, CheckedMultiply(blob.size, blob.cells));
    result.cost = CheckedAdd(result.cost, model.BlobCost(blob.size, blob.cells, fetches));
    ++result.distinct_layers;
  }
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const auto num_layers = static_cast<std::int64_t>(layout.of(i).size());
    result.layer_references += num_layers;
    result.max_layers = std::max(result.max_layers, num_layers);
    const std::int64_t requests = CheckedMultiply(fleet.images[i].pulls, num_layers);
    result.overhead_bytes =
        CheckedAdd(result.overhead_bytes, CheckedMultiply(model.options().layer_cost, requests));
  }
  result.cost = CheckedAdd(result.cost, result.overhead_bytes);
  result.transfer_bytes = static_cast<Bytes>(std::llround(transfer));
  if (!fleet.images.empty()) {
    result.layers_per_image =
        static_cast<double>(result.layer_references) / static_cast<double>(fleet.images.size());
  }
  return result;
}

void RequireEqual(const char* what, std::int64_t claimed, std::int64_t recounted) {
  if (claimed == recounted) return;
  throw AuditError(fmt::format("the audit disagrees about {}: claimed {}, recounted {}", what,
                               claimed, recounted));
}

}  // namespace gneiss
