// Recounts what a layout costs from its resulting manifests alone (design.md 5.4). Shares nothing
// with the solver: no trie, no prices; blobs are found again by their list of layers. Every claim
// of a plan goes through here, and a mismatch is an internal error, never a report.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "planner/cost/cost_model.h"
#include "planner/cost/layout.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// How far a level of a plan is from the best possible one, and why its search ended.

enum class PlanStatus : std::uint8_t { kOptimal, kGapReached, kTimeLimit, kIterationLimit };
[[nodiscard]] std::string_view PlanStatusName(PlanStatus status);

// (cost - lower_bound) / cost, 0 for no cost.
[[nodiscard]] inline double RelativeGap(Bytes cost, Bytes lower_bound) {
  return cost == 0 ? 0 : static_cast<double>(cost - lower_bound) / static_cast<double>(cost);
}

// What design.md 7 calls `current` and `planned`. Layers only: configs and manifests are in every
// layout.
struct LayoutCost {
  Bytes cost = 0;
  Bytes storage_bytes = 0;   // distinct blobs per scope cell
  Bytes transfer_bytes = 0;  // expected bytes fetched by the nodes, to the nearest byte
  Bytes overhead_bytes = 0;  // layer_cost for each layer of each pull
  std::int64_t layer_references = 0;
  std::int64_t distinct_layers = 0;
  std::int64_t max_layers = 0;
  double layers_per_image = 0;
};

// Adds up what a layout costs, blob by blob and image by image, in the order of the calls.
class LayoutTally {
 public:
  explicit LayoutTally(const CostModel& model) : model_(model) {}

  // Throw InputError when a sum leaves int64.
  void AddBlob(Bytes size, const BlobUse& use);
  void AddImage(const Image& image, std::int64_t num_layers);
  [[nodiscard]] LayoutCost Finish() const;

 private:
  const CostModel& model_;
  LayoutCost sum_;
  double transfer_ = 0;
  std::int64_t num_images_ = 0;
};

// Cost of `layout` over `chains` (default: the images' own). `cells` are the scope's; `sizes` as
// for FindLayoutBlobs. Throws InputError when a sum leaves int64. Time that of FindLayoutBlobs.
[[nodiscard]] LayoutCost AuditLayout(const Fleet& fleet, const CostModel& model,
                                     const ImageGroups& cells, const Layout& layout,
                                     const ChainOfImage& chains = {}, MergedSizes* sizes = nullptr);

// The same from blobs found before. REQUIRES: blobs are those of `layout`, holders not needed.
[[nodiscard]] LayoutCost CostOfBlobs(const Fleet& fleet, const CostModel& model,
                                     const Layout& layout, const BlobTable& blobs);

// Thrown when a claim and its recount differ: a bug, whatever the input.
class AuditError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// Throws AuditError naming `what` and both values when they differ.
void RequireEqual(const char* what, std::int64_t claimed, std::int64_t recounted);

}  // namespace gneiss
