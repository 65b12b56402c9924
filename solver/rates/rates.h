// What a byte costs the set of images that hold its blob (design.md 4), for sets of any shape:
//
//     rate(S)    = storage_weight * cells(S) + fetch_weight * fetches(S)
//     cells(S)   = 1, or the number of distinct scope cells that S touches
//     fetches(S) = fetch_nodes * (1 - exp(-fetch_intensity * pulls(S))), or pulls(S) when every
//                  fetch is cold, plus the nodes of the distinct pools that S touches
//
// and 0 for no images. rate is monotone and submodular. Blobs over subtrees of a trie have
// blob_rates.h, which is faster there.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gneiss {

// Views; the caller keeps the arrays alive.
struct RateModel {
  std::span<const std::int64_t> pulls;  // per image, >= 0
  // Elements (scope cells, node pools) of image i: elements[first_element[i] ..
  // first_element[i + 1]). All empty when there are none.
  std::span<const std::uint64_t> first_element;
  std::span<const std::uint32_t> elements;
  std::span<const std::int64_t> element_cells;  // per element: 1 for a scope cell, else 0
  std::span<const std::int64_t> element_nodes;  // per element: nodes of a pool, else 0
  bool scoped = false;                          // cells(S) counts elements; otherwise it is 1

  double storage_weight = 1;
  double fetch_weight = 0;
  double fetch_nodes = 0;
  double fetch_intensity = 0;
  bool fetch_cold = false;
  std::int64_t layer_overhead = 0;  // per pull and layer of an image

  std::uint32_t num_images() const { return static_cast<std::uint32_t>(pulls.size()); }
  bool has_elements() const { return !element_cells.empty(); }
};

// Bytes times rate, rounded up to a whole unit: what a blob costs, layer_overhead apart. REQUIRES:
// the product is below 2^62.
[[nodiscard]] std::int64_t CostAtRate(std::int64_t bytes, double rate);

class SetRates {
 public:
  // Keeps a view of `model`, which must outlive it.
  explicit SetRates(const RateModel& model);

  // Time O(images and their elements). REQUIRES: images are distinct.
  [[nodiscard]] double Of(std::span<const std::uint32_t> images);
  // The same where no element tells images apart. REQUIRES: !model.has_elements(), pulls of a set
  // that is not empty.
  [[nodiscard]] double OfPulls(std::int64_t pulls) const;

  [[nodiscard]] std::int64_t PullsOf(std::span<const std::uint32_t> images) const;
  const RateModel& model() const { return model_; }

 private:
  double FetchRate(std::int64_t pulls) const;

  const RateModel& model_;
  std::vector<std::uint64_t> visited_;  // per element: stamp of the last visit
  std::uint64_t stamp_ = 0;
};

}  // namespace gneiss
