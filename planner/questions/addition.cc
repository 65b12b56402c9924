#include "planner/questions/addition.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace gneiss {
namespace {

// Images, layers and contents that were there before.
class FleetBefore {
 public:
  FleetBefore(const Fleet& fleet, const RefSelection& added)
      : fleet_(fleet), trie_(BuildLayerTrie(fleet)), is_old_(fleet.images.size(), 0) {
    holders_.resize(fleet.layers.size());
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      const Image& image = fleet.images[i];
      bool has_old_ref = image.num_refs == 0 && added.images[i] == 0;
      for (std::uint32_t r = 0; r < image.num_refs; ++r) has_old_ref |= !added.has(fleet, i, r);
      if (!has_old_ref) continue;
      is_old_[i] = 1;
      if (image.has_config) configs_.insert(image.config_digest);
      for (const LayerIndex l : fleet.chain(image)) {
        if (holders_[l].empty() || holders_[l].back() != i) holders_[l].push_back(i);
        if (fleet.layers[l].diff_id != kNone) diff_ids_.insert(fleet.layers[l].diff_id);
      }
    }
  }

  bool has(ImageIndex i) const { return is_old_[i] != 0; }
  bool has_layer(LayerIndex l) const { return !holders_[l].empty(); }
  bool has_config(const Digest& digest) const { return configs_.contains(digest); }
  bool has_contents(LayerIndex l) const { return diff_ids_.contains(fleet_.layers[l].diff_id); }

  void FindNearest(AddedImage& added) const {
    const ImageIndex i = added.stored.image;
    std::map<ImageIndex, Bytes> shared;
    for (const LayerIndex l : LayersOf(i)) {
      for (const ImageIndex holder : holders_[l]) shared[holder] += SizeOf(l);
    }
    for (const auto& [holder, bytes] : shared) {
      if (holder == i || bytes <= added.shared) continue;
      added.shares_most_with = holder;
      added.shared = bytes;
    }
    for (NodeIndex v = trie_.node_of_image[i]; v != kNoNode; v = trie_.parent[v]) {
      const ImageIndex base = FirstOld(trie_.images_ending(v), i);
      if (base == kNone) continue;
      added.stands_on = base;
      for (const LayerIndex l : LayersOf(base)) added.base += SizeOf(l);
      return;
    }
    FindPopular(added);
  }

  // Distinct ones.
  std::set<LayerIndex> LayersOf(ImageIndex i) const {
    const auto chain = fleet_.chain(fleet_.images[i]);
    return {chain.begin(), chain.end()};
  }

  Bytes SizeOf(LayerIndex l) const { return fleet_.layers[l].foreign ? 0 : fleet_.layers[l].size; }

 private:
  ImageIndex FirstOld(std::span<const ImageIndex> images, ImageIndex but) const {
    ImageIndex first = kNone;
    for (const ImageIndex i : images) {
      const bool fits =
          is_old_[i] != 0 && i != but && fleet_.images[i].platform == fleet_.images[but].platform;
      if (fits) first = std::min(first, i);
    }
    return first;
  }

  void FindPopular(AddedImage& added) const {
    const Image& image = fleet_.images[added.stored.image];
    for (NodeIndex v = 0; v < trie_.size(); ++v) {
      if (trie_.num_ends[v] == 0 || trie_.images_below(v).size() < 2) continue;
      const ImageIndex base = FirstOld(trie_.images_ending(v), added.stored.image);
      if (base == kNone) continue;
      const auto on_it = std::ranges::count_if(trie_.images_below(v), [&](ImageIndex i) {
        return i != base && has(i) && fleet_.images[i].platform == image.platform;
      });
      if (on_it <= added.num_on_that) continue;
      added.num_on_that = on_it;
      added.could_stand_on = base;
    }
  }

  const Fleet& fleet_;
  LayerTrie trie_;
  std::vector<std::uint8_t> is_old_;
  std::vector<std::vector<ImageIndex>> holders_;  // per layer, old ones
  std::set<Digest> configs_;
  std::set<std::uint32_t> diff_ids_;
};

// Adds up blobs, each once in `total`.
class FetchCounter {
 public:
  FetchCounter(const Fleet& fleet, const FleetBefore& before, bool layers_only)
      : fleet_(fleet), before_(before), layers_only_(layers_only) {}

  void Count(AddedImage& added) {
    const ImageIndex i = added.stored.image;
    const Image& image = fleet_.images[i];
    for (const LayerIndex l : before_.LayersOf(i)) {
      if (before_.has_layer(l)) continue;
      Fetch(before_.SizeOf(l), layers_.insert(l).second, added);
      if (fleet_.layers[l].diff_id != kNone && before_.has_contents(l)) {
        added.twins += before_.SizeOf(l);
      }
    }
    if (layers_only_ || before_.has(i)) return;
    if (image.has_config && !before_.has_config(image.config_digest)) {
      Fetch(std::max<Bytes>(0, image.config_size), configs_.insert(image.config_digest).second,
            added);
    }
    if (image.has_manifest_digest) Fetch(std::max<Bytes>(0, image.manifest_size), true, added);
  }

  Bytes total() const { return total_; }

 private:
  void Fetch(Bytes size, bool is_first, AddedImage& added) {
    added.fetched += size;
    total_ += is_first ? size : 0;
  }

  const Fleet& fleet_;
  const FleetBefore& before_;
  bool layers_only_;
  std::set<LayerIndex> layers_;
  std::set<Digest> configs_;
  Bytes total_ = 0;
};

}  // namespace

Addition CountAddition(const Fleet& fleet, const ImageGroups& cells, const SharingGraph& sharing,
                       const RefSelection& added, const RefSelection& offered) {
  Addition addition{.images = {}, .deletion = CountDeletion(fleet, cells, sharing, added)};
  const FleetBefore before(fleet, added);
  FetchCounter fetches(fleet, before, sharing.layers_only);
  auto leaving = addition.deletion.images.begin();
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    bool is_offered = offered.images[i] != 0;
    bool is_added = added.images[i] != 0;
    for (std::uint32_t r = 0; r < image.num_refs; ++r) {
      is_offered |= offered.has(fleet, i, r);
      is_added |= added.has(fleet, i, r);
    }
    if (!is_offered) continue;
    if (!is_added) ++addition.num_known;
    AddedImage& row = addition.images.emplace_back();
    row.stored.image = i;
    while (leaving != addition.deletion.images.end() && leaving->image < i) ++leaving;
    if (leaving != addition.deletion.images.end() && leaving->image == i) {
      row.stored = *leaving;
    } else {
      // No new copy: the fleet has all of it.
      for (const LayerIndex l : before.LayersOf(i)) row.stored.size += before.SizeOf(l);
      if (!sharing.layers_only) {
        row.stored.size += std::max<Bytes>(0, image.has_config ? image.config_size : 0) +
                           std::max<Bytes>(0, image.has_manifest_digest ? image.manifest_size : 0);
      }
      row.stored.staying = row.stored.size;
    }
    fetches.Count(row);
    before.FindNearest(row);
  }
  addition.fetched = fetches.total();
  return addition;
}

RefSelection SelectPart(const Fleet& fleet, const Fleet& part) {
  RefSelection selection(fleet);
  std::map<Digest, ImageIndex> images;
  for (ImageIndex i = 0; i < part.images.size(); ++i) images.emplace(part.images[i].identity, i);
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    const auto found = images.find(image.identity);
    if (found == images.end()) continue;
    std::set<std::string_view> refs;
    for (const TextIndex ref : part.refs_of(part.images[found->second])) {
      refs.insert(part.text(ref));
    }
    if (image.num_refs == 0) selection.images[i] = 1;
    for (std::uint32_t r = 0; r < image.num_refs; ++r) {
      if (refs.contains(fleet.text(fleet.refs_of(image)[r]))) {
        selection.refs[image.first_ref + r] = 1;
      }
    }
  }
  return selection;
}

}  // namespace gneiss
