#include "planner/contents/fleet_part.h"

#include <algorithm>
#include <string>
#include <utility>

#include "planner/fleet/fleet_builder.h"

namespace gneiss {
namespace {

class PartTaker {
 public:
  PartTaker(const Fleet& whole, const std::function<bool(std::string_view ref)>& keeps_ref)
      : whole_(whole), keeps_ref_(keeps_ref), is_pool_told_(whole.pools.size(), false) {}

  FleetPart Take(std::span<const ImageIndex> images) {
    for (const ImageIndex i : images) {
      Add(whole_.images[i]);
      for (const LayerIndex l : whole_.chain(whole_.images[i])) used_.push_back(l);
    }
    FleetPart part{.fleet = builder_.Build(), .whole_layer = {}};
    MatchLayers(part);
    return part;
  }

 private:
  void Add(const Image& image) {
    record_.Clear();
    texts_.clear();
    texts_.reserve(1 + image.num_layers);
    FillIdentity(image);
    FillDetails(image);
    bool is_first = true;
    for (const TextIndex ref : whole_.refs_of(image)) {
      record_.ref = whole_.text(ref);
      if (keeps_ref_ && !keeps_ref_(record_.ref)) continue;
      builder_.Add(record_);
      // Values given on several refs of one image add up: the first has them all.
      if (is_first) record_.pulls.reset();
      is_first = false;
    }
    record_.ref = {};
    if (is_first) builder_.Add(record_);
  }

  void FillIdentity(const Image& image) {
    if (image.has_manifest_digest) {
      texts_.push_back(whole_.digest_text(image.identity, false));
      record_.manifest_digest = image.identity;
      record_.manifest_digest_text = texts_.back();
      record_.manifest_verifiable = texts_.back() == FormatDigest(image.identity);
    }
    if (image.has_config) record_.config_digest = image.config_digest;
    for (const LayerIndex l : whole_.chain(image)) {
      const Layer& layer = whole_.layers[l];
      LayerRecord& made = record_.layers.emplace_back();
      made.digest = layer.digest;
      made.verifiable = layer.verifiable;
      made.foreign = layer.foreign;
      made.size = layer.size;
      made.uncompressed_size = layer.uncompressed_size;
      if (layer.diff_id != kNone) made.diff_id = whole_.diff_ids[layer.diff_id];
      made.created_by = whole_.text(layer.created_by);
      made.media_type = whole_.text(layer.media_type);
      if (layer.verifiable) continue;
      texts_.push_back(whole_.digest_text(layer));
      made.digest_text = texts_.back();
    }
  }

  void FillDetails(const Image& image) {
    record_.platform = whole_.text(image.platform);
    record_.is_windows = image.is_windows;
    record_.config_size = image.config_size;
    record_.manifest_size = image.manifest_size;
    record_.created = whole_.text(image.created);
    record_.entry_point = whole_.text(image.entry_point);
    record_.search_path = whole_.text(image.search_path);
    record_.pulls = image.pulls;
    for (const Step& step : whole_.history(image)) {
      record_.steps.push_back({.created_by = whole_.text(step.created_by),
                               .created = whole_.text(step.created),
                               .makes_layer = step.makes_layer});
    }
    for (const Label& label : whole_.labels_of(image)) {
      record_.labels.push_back({.key = whole_.text(label.key), .value = whole_.text(label.value)});
    }
    for (const PoolIndex p : whole_.pools_of(image)) {
      PoolRecord& pool = record_.pools.emplace_back();
      pool.name = whole_.text(whole_.pools[p].name);
      if (!is_pool_told_[p]) pool.nodes = whole_.pools[p].nodes;
      is_pool_told_[p] = true;
    }
  }

  void MatchLayers(FleetPart& part) {
    const auto digest_of = [this](LayerIndex l) -> const Digest& {
      return whole_.layers[l].digest;
    };
    std::ranges::sort(used_, {}, digest_of);
    for (const Layer& layer : part.fleet.layers) {
      part.whole_layer.push_back(*std::ranges::lower_bound(used_, layer.digest, {}, digest_of));
    }
  }

  const Fleet& whole_;
  const std::function<bool(std::string_view ref)>& keeps_ref_;
  std::vector<bool> is_pool_told_;
  std::vector<LayerIndex> used_;
  ImageRecord record_;
  std::vector<std::string> texts_;  // reserved: views into it stay
  FleetBuilder builder_;
};

}  // namespace

FleetPart TakePart(const Fleet& whole, std::span<const ImageIndex> images,
                   const std::function<bool(std::string_view ref)>& keeps_ref) {
  return PartTaker(whole, keeps_ref).Take(images);
}

LayerContents ContentsOfPart(const FleetPart& part, const LayerContents& contents) {
  LayerContents own(part.fleet.layers.size());
  for (LayerIndex l = 0; l < part.whole_layer.size(); ++l) {
    const auto& inventory = contents.inventories[part.whole_layer[l]];
    if (inventory) own.Add(l, *inventory, contents.belief);
    own.is_no_tar[l] = contents.is_no_tar[part.whole_layer[l]];
  }
  own.SetNewCodec(contents.new_codec());
  return own;
}

}  // namespace gneiss
