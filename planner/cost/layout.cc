#include "planner/cost/layout.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace gneiss {
namespace {

// The blob of each list of layers. Single layers, most of all segments, are found by their index;
// longer lists by open addressing, with their layers kept to compare.
class BlobIndex {
 public:
  explicit BlobIndex(std::size_t num_layers) : of_layer_(num_layers, kNone) {}

  // The blob of `segment`; `next_blob` from now on when it has none.
  std::uint32_t FindOrAdd(std::span<const LayerIndex> segment, std::uint32_t next_blob) {
    if (segment.size() == 1) {
      std::uint32_t& blob = of_layer_[segment.front()];
      if (blob == kNone) blob = next_blob;
      return blob;
    }
    if (2 * (num_lists_ + 1) > slots_.size()) Grow();
    const std::uint32_t hash = Hash(segment);
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    for (; slots_[at].blob != kNone; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.hash == hash && slot.length == segment.size() &&
          std::equal(segment.begin(), segment.end(), layers_.data() + slot.first)) {
        return slot.blob;
      }
    }
    slots_[at] = {.first = layers_.size(),
                  .length = static_cast<std::uint32_t>(segment.size()),
                  .hash = hash,
                  .blob = next_blob};
    layers_.insert(layers_.end(), segment.begin(), segment.end());
    ++num_lists_;
    return next_blob;
  }

 private:
  struct Slot {
    std::uint64_t first = 0;  // into layers_
    std::uint32_t length = 0;
    std::uint32_t hash = 0;
    std::uint32_t blob = kNone;
  };

  static std::uint32_t Hash(std::span<const LayerIndex> segment) {
    std::uint64_t hash = 0;
    for (const LayerIndex layer : segment) {
      hash = (hash + layer + 1) * 0x9e3779b97f4a7c15U;
      hash ^= hash >> 32;
    }
    return static_cast<std::uint32_t>(hash);
  }

  void Grow() {
    const std::vector<Slot> old = std::move(slots_);
    slots_.assign(std::max<std::size_t>(64, 2 * old.size()), {});
    for (const Slot& slot : old) {
      if (slot.blob == kNone) continue;
      std::size_t at = slot.hash & (slots_.size() - 1);
      while (slots_[at].blob != kNone) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }

  std::vector<std::uint32_t> of_layer_;
  std::vector<Slot> slots_;  // a power of two, at most half of them taken
  std::size_t num_lists_ = 0;
  std::vector<LayerIndex> layers_;
};

// Sorted, each once.
void MakeDistinct(std::vector<std::uint32_t>& groups) {
  std::ranges::sort(groups);
  groups.erase(std::ranges::unique(groups).begin(), groups.end());
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

BlobUse CountUse(const Fleet& fleet, const ImageGroups& cells,
                 std::span<const ImageIndex> holders) {
  BlobUse use;
  if (holders.empty()) return use;
  std::vector<std::uint32_t> groups;
  for (const ImageIndex i : holders) {
    use.pulls = CheckedAdd(use.pulls, fleet.images[i].pulls);
    if (cells.size() > 1) groups.insert(groups.end(), cells.of(i).begin(), cells.of(i).end());
  }
  MakeDistinct(groups);
  use.cells = cells.size() > 1 ? std::ssize(groups) : 1;
  if (fleet.pools.empty()) return use;
  groups.clear();
  for (const ImageIndex i : holders) {
    const auto pools = fleet.pools_of(fleet.images[i]);
    groups.insert(groups.end(), pools.begin(), pools.end());
  }
  MakeDistinct(groups);
  for (const PoolIndex p : groups) {
    use.pool_nodes = CheckedAdd(use.pool_nodes, fleet.pools[p].nodes);
  }
  return use;
}

BlobTable FindLayoutBlobs(const Fleet& fleet, const ImageGroups& cells, const Layout& layout,
                          const ChainOfImage& chains, HolderLists lists, MergedSizes* sizes) {
  BlobTable result;
  result.of_segment.resize(layout.lengths.size());
  BlobIndex index(fleet.layers.size());
  std::vector<ImageIndex> last_holder;  // per blob: a manifest that lists it twice holds it once
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const auto chain = chains ? chains(i) : fleet.chain(fleet.images[i]);
    std::size_t at = 0;
    for (std::uint64_t s = layout.first[i]; s < layout.first[i + 1]; ++s) {
      const std::uint32_t length = layout.lengths[s];
      if (length == 0) throw std::logic_error("a layout has a segment without layers");
      if (at + length > chain.size()) throw std::logic_error("a layout is longer than its chain");
      const auto segment = chain.subspan(at, length);
      const auto next = static_cast<std::uint32_t>(result.blobs.size());
      const std::uint32_t blob = index.FindOrAdd(segment, next);
      if (blob == next) {
        LayoutBlob made{.image = i, .offset = static_cast<std::uint32_t>(at), .length = length};
        made.size = sizes == nullptr ? SumOfSizes(fleet, segment) : sizes->Of(segment);
        result.blobs.push_back(made);
        last_holder.push_back(kNone);
      }
      result.of_segment[s] = blob;
      if (std::exchange(last_holder[blob], i) != i) {
        LayoutBlob& held = result.blobs[blob];
        ++held.num_holders;
        held.pulls = CheckedAdd(held.pulls, fleet.images[i].pulls);
        held.cells = 1;
      }
      at += length;
    }
    if (at != chain.size()) throw std::logic_error("a layout is shorter than its chain");
  }
  const bool scoped = cells.size() > 1;
  const bool plain = !scoped && fleet.pools.empty();  // pulls are all that differs
  if (lists == HolderLists::kDrop && plain) return result;

  std::uint64_t first = 0;
  for (LayoutBlob& blob : result.blobs) {
    blob.first_holder = first;
    first += std::exchange(blob.num_holders, 0);
  }
  result.holders.resize(first);
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    for (std::uint64_t s = layout.first[i]; s < layout.first[i + 1]; ++s) {
      LayoutBlob& blob = result.blobs[result.of_segment[s]];
      const std::uint64_t at = blob.first_holder + blob.num_holders;
      if (blob.num_holders > 0 && result.holders[at - 1] == i) continue;
      result.holders[at] = i;
      ++blob.num_holders;
    }
  }

  if (plain) return result;
  for (LayoutBlob& blob : result.blobs) {
    const BlobUse use = CountUse(fleet, cells, result.holders_of(blob));
    blob.cells = use.cells;
    blob.pool_nodes = use.pool_nodes;
  }
  if (lists == HolderLists::kDrop) result.holders = {};
  return result;
}

}  // namespace gneiss
