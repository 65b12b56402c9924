#include "planner/cost/audit.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

namespace gneiss {

std::string_view PlanStatusName(PlanStatus status) {
  constexpr std::array<std::string_view, 4> kNames = {"optimal", "gap reached", "time limit",
                                                      "iteration limit"};
  return kNames[static_cast<std::size_t>(status)];
}

LayoutCost AuditLayout(const Fleet& fleet, const CostModel& model, const ImageGroups& cells,
                       const Layout& layout, const ChainOfImage& chains, MergedSizes* sizes) {
  return CostOfBlobs(fleet, model, layout,
                     FindLayoutBlobs(fleet, cells, layout, chains, HolderLists::kDrop, sizes));
}

LayoutCost CostOfBlobs(const Fleet& fleet, const CostModel& model, const Layout& layout,
                       const BlobTable& blobs) {
  LayoutTally tally(model);
  for (const LayoutBlob& blob : blobs.blobs) {
    tally.AddBlob(blob.size,
                  {.pulls = blob.pulls, .cells = blob.cells, .pool_nodes = blob.pool_nodes});
  }
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    tally.AddImage(fleet.images[i], static_cast<std::int64_t>(layout.of(i).size()));
  }
  return tally.Finish();
}

void LayoutTally::AddBlob(Bytes size, const BlobUse& use) {
  const double fetches = model_.Fetches(use.pulls, use.pool_nodes);
  transfer_ += static_cast<double>(size) * fetches;
  sum_.storage_bytes = CheckedAdd(sum_.storage_bytes, CheckedMultiply(size, use.cells));
  sum_.cost = CheckedAdd(sum_.cost, model_.BlobCost(size, use.cells, fetches));
  ++sum_.distinct_layers;
}

void LayoutTally::AddImage(const Image& image, std::int64_t num_layers) {
  ++num_images_;
  sum_.layer_references += num_layers;
  sum_.max_layers = std::max(sum_.max_layers, num_layers);
  const std::int64_t requests = CheckedMultiply(image.pulls, num_layers);
  sum_.overhead_bytes =
      CheckedAdd(sum_.overhead_bytes, CheckedMultiply(model_.options().layer_cost, requests));
}

LayoutCost LayoutTally::Finish() const {
  LayoutCost result = sum_;
  result.cost = CheckedAdd(result.cost, result.overhead_bytes);
  result.transfer_bytes = static_cast<Bytes>(std::llround(transfer_));
  if (num_images_ > 0) {
    result.layers_per_image =
        static_cast<double>(result.layer_references) / static_cast<double>(num_images_);
  }
  return result;
}

void RequireEqual(const char* what, std::int64_t claimed, std::int64_t recounted) {
  if (claimed == recounted) return;
  throw AuditError(fmt::format("the audit disagrees about {}: claimed {}, recounted {}", what,
                               claimed, recounted));
}

}  // namespace gneiss
