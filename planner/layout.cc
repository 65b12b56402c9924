#include "planner/layout.h"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

namespace gneiss {
namespace {

// Numbers lists of layers: a list is known by the number of all but its last layer, and that layer.
class SegmentNumbers {
 public:
  explicit SegmentNumbers(std::size_t num_layers) : of_layer_(num_layers, kNone) {}

  std::uint32_t Of(std::span<const LayerIndex> segment) {
    // Most segments are single layers: no hash for those.
    std::uint32_t number = of_layer_[segment.front()];
    if (number == kNone) number = of_layer_[segment.front()] = count_++;
    for (const LayerIndex layer : segment.subspan(1)) {
      const std::uint64_t key = std::uint64_t{number} << 32 | layer;
      const auto [found, is_new] = longer_.try_emplace(key, count_);
      if (is_new) ++count_;
      number = found->second;
    }
    return number;
  }
  std::size_t size() const { return count_; }

 private:
  std::vector<std::uint32_t> of_layer_;
  std::unordered_map<std::uint64_t, std::uint32_t> longer_;
  std::uint32_t count_ = 0;
};

// Sum of weights over the distinct groups that `holders` touch.
template <typename GroupsOf, typename Weight>
std::int64_t SumDistinct(std::span<const ImageIndex> holders, const GroupsOf& groups_of,
                         std::vector<std::uint32_t>& scratch, const Weight& weight) {
  scratch.clear();
  for (const ImageIndex i : holders) {
    for (const std::uint32_t g : groups_of(i)) scratch.push_back(g);
  }
  std::ranges::sort(scratch);
  scratch.erase(std::ranges::unique(scratch).begin(), scratch.end());
  std::int64_t sum = 0;
  for (const std::uint32_t g : scratch) sum = CheckedAdd(sum, weight(g));
  return sum;
}

}  // namespace

Layout CurrentLayout(const Fleet& fleet, const ChainOfImage& chains) {
  Layout layout;
  layout.first.reserve(fleet.images.size() + 1);
  layout.lengths.reserve(fleet.layer_references.size());
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    layout.first.push_back(layout.lengths.size());
    const std::size_t num_layers = chains ? chains(i).size() : fleet.images[i].num_layers;
    layout.lengths.insert(layout.lengths.end(), num_layers, 1U);
  }
  layout.first.push_back(layout.lengths.size());
  return layout;
}

Layout FlattenedLayout(const Fleet& fleet) {
  Layout layout;
  layout.first.reserve(fleet.images.size() + 1);
  for (const Image& image : fleet.images) {
    layout.first.push_back(layout.lengths.size());
    if (image.num_layers > 0) layout.lengths.push_back(image.num_layers);
  }
  layout.first.push_back(layout.lengths.size());
  return layout;
}

BlobTable FindLayoutBlobs(const Fleet& fleet, const ImageGroups& cells, const Layout& layout,
                          const ChainOfImage& chains) {
  BlobTable result;
  result.of_segment.resize(layout.lengths.size());
  SegmentNumbers numbers(fleet.layers.size());
  std::vector<std::uint32_t> blob_of_number;
  std::vector<ImageIndex> last_holder;  // per blob: a manifest that lists it twice holds it once
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const auto chain = chains ? chains(i) : fleet.chain(fleet.images[i]);
    std::size_t at = 0;
    for (std::uint64_t s = layout.first[i]; s < layout.first[i + 1]; ++s) {
      const std::uint32_t length = layout.lengths[s];
      if (length == 0) throw std::logic_error("a layout has a segment without layers");
      if (at + length > chain.size()) throw std::logic_error("a layout is longer than its chain");
      const auto segment = chain.subspan(at, length);
      const std::uint32_t number = numbers.Of(segment);
      if (blob_of_number.size() < numbers.size()) blob_of_number.resize(numbers.size(), kNone);
      std::uint32_t& blob = blob_of_number[number];
      if (blob == kNone) {
        blob = static_cast<std::uint32_t>(result.blobs.size());
        LayoutBlob made{.image = i, .offset = static_cast<std::uint32_t>(at), .length = length};
        for (const LayerIndex l : segment) {
          if (!fleet.layers[l].foreign) made.size = CheckedAdd(made.size, fleet.layers[l].size);
        }
        result.blobs.push_back(made);
        last_holder.push_back(kNone);
      }
      result.of_segment[s] = blob;
      if (last_holder[blob] != i) ++result.blobs[blob].num_holders;
      last_holder[blob] = i;
      at += length;
    }
    if (at != chain.size()) throw std::logic_error("a layout is shorter than its chain");
  }

  std::uint64_t first = 0;
  for (LayoutBlob& blob : result.blobs) {
    blob.first_holder = first;
    first += blob.num_holders;
    blob.num_holders = 0;
  }
  result.holders.resize(first);
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    for (std::uint64_t s = layout.first[i]; s < layout.first[i + 1]; ++s) {
      LayoutBlob& blob = result.blobs[result.of_segment[s]];
      const std::uint64_t at = blob.first_holder + blob.num_holders;
      if (blob.num_holders > 0 && result.holders[at - 1] == i) continue;
      result.holders[at] = i;
      ++blob.num_holders;
      blob.pulls = CheckedAdd(blob.pulls, fleet.images[i].pulls);
    }
  }

  std::vector<std::uint32_t> scratch;
  for (LayoutBlob& blob : result.blobs) {
    const auto holders = result.holders_of(blob);
    blob.cells = cells.size() <= 1 ? 1
                                   : SumDistinct(
                                         holders, [&](ImageIndex i) { return cells.of(i); },
                                         scratch, [](GroupIndex) { return std::int64_t{1}; });
    if (fleet.pools.empty()) continue;
    blob.pool_nodes = SumDistinct(
        holders, [&](ImageIndex i) { return fleet.pools_of(fleet.images[i]); }, scratch,
        [&](PoolIndex p) { return fleet.pools[p].nodes; });
  }
  return result;
}

}  // namespace gneiss
