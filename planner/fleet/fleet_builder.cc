#include "planner/fleet/fleet_builder.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>

#include "planner/fleet/platform.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

// More than any image has, so little that hundreds of them add up.
constexpr Bytes kMaxImageBytes = kMaxBlobSize;
// As above, of all pulls of one image; a request counts as so many bytes.
constexpr Bytes kMaxMovedBytes = Bytes{1} << 56;
constexpr Bytes kRequestBytes = Bytes{256} << 10;
// Over all images; their order decides which one is too much. With the usual weights no cost of a
// plan comes near what the solvers have room for.
constexpr Bytes kMaxFleetBytes = Bytes{1} << 58;

// What one image has and one pull of it moves; nullopt when that is past kMaxImageBytes.
struct ImageWeight {
  Bytes bytes = 0;
  Bytes moved = 0;
};
std::optional<ImageWeight> WeightOf(const ImageRecord& record) {
  ImageWeight weight;
  const auto add = [&](Bytes size) {
    if (size > kMaxImageBytes - weight.bytes) return false;
    weight.bytes += std::max<Bytes>(0, size);  // kUnknownSize is below 0
    return true;
  };
  for (const LayerRecord& layer : record.layers) {
    if (!add(layer.size)) return std::nullopt;
  }
  if (!add(record.config_size) || !add(record.manifest_size)) return std::nullopt;
  weight.moved = 1 + weight.bytes + kRequestBytes * std::ssize(record.layers);
  return weight;
}

// Identity of an image whose source gives no manifest digest: its list of layers, and its config
// where that is known. Images that differ in an ENV alone have one list of layers.
Digest IdentityWithoutManifest(const ImageRecord& record) {
  std::string text = "layers";
  const auto append = [&](const Digest& digest) {
    text.append(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
  };
  for (const LayerRecord& layer : record.layers) append(layer.digest);
  if (record.config_digest) {
    text += "config";
    append(*record.config_digest);
  }
  return Sha256(text);
}

// The smaller of two given texts; lines come in any order, and the answer must not depend on it.
void KeepSmaller(TextPool& texts, TextIndex& kept, std::string_view offered) {
  if (offered.empty()) return;
  if (kept == 0 || offered < texts[kept]) kept = texts.Intern(offered);
}

void KeepSmaller(Bytes& kept, Bytes offered) {
  if (offered == kUnknownSize) return;
  if (kept == kUnknownSize || offered < kept) kept = offered;
}

std::string TextOf(const LayerRecord& layer) {
  return layer.verifiable ? FormatDigest(layer.digest) : std::string(layer.digest_text);
}

[[noreturn]] void ThrowTwoSizes(std::size_t position, const LayerRecord& layer, Bytes known_size) {
  throw InputError("layers[" + std::to_string(position) + "]: one digest with two sizes: " +
                   TextOf(layer) + " had size " + std::to_string(known_size) + ", here " +
                   std::to_string(layer.size) + "; one of the two manifests is wrong");
}

}  // namespace

void ImageRecord::Clear() {
  auto keep_layers = std::move(layers);
  auto keep_steps = std::move(steps);
  auto keep_labels = std::move(labels);
  auto keep_pools = std::move(pools);
  *this = ImageRecord{};
  keep_layers.clear();
  keep_steps.clear();
  keep_labels.clear();
  keep_pools.clear();
  layers = std::move(keep_layers);
  steps = std::move(keep_steps);
  labels = std::move(keep_labels);
  pools = std::move(keep_pools);
}

FleetBuilder::FleetBuilder() = default;

// One image must not make the sums over a fleet leave int64: that would cost all the others.
void FleetBuilder::ValidateSums(const ImageRecord& record, ImageIndex known_image) const {
  if (max_layers_ > 0 && std::ssize(record.layers) > max_layers_) {
    throw InputError("expected an image of at most " + std::to_string(max_layers_) +
                     " layers (--max-image-layers), found " + std::to_string(record.layers.size()));
  }
  const std::optional<ImageWeight> weight = WeightOf(record);
  if (!weight) {
    throw InputError("expected an image of at most " + std::to_string(kMaxImageBytes) +
                     " bytes, found a larger one");
  }
  const std::int64_t pulls = record.pulls.value_or(0);
  if (pulls > kMaxMovedBytes / weight->moved) {
    throw InputError("pulls: expected so many that they move at most " +
                     std::to_string(kMaxMovedBytes) + " bytes, found " + std::to_string(pulls) +
                     " of an image of " + std::to_string(weight->bytes));
  }
  const Bytes added = known_image == DigestIndex::kAbsent ? weight->bytes : 0;
  if (added > kMaxFleetBytes - logical_bytes_ ||
      pulls * weight->moved > kMaxFleetBytes - moved_bytes_) {
    throw InputError("expected a fleet whose images have, and whose pulls move, at most " +
                     std::to_string(kMaxFleetBytes) + " bytes, found more with this image");
  }
}

void FleetBuilder::AddToSums(const ImageRecord& record, bool is_new) {
  const ImageWeight weight = *WeightOf(record);
  if (is_new) logical_bytes_ += weight.bytes;
  moved_bytes_ += record.pulls.value_or(0) * weight.moved;
}

void FleetBuilder::Validate(const ImageRecord& record, ImageIndex known_image) const {
  ValidateSums(record, known_image);
  const auto digest_at = [this](std::uint32_t i) -> const Digest& {
    return fleet_.layers[i].digest;
  };
  std::vector<std::size_t> new_layers;
  for (std::size_t i = 0; i < record.layers.size(); ++i) {
    const LayerRecord& layer = record.layers[i];
    const LayerIndex index = layer_index_.Find(layer.digest, digest_at);
    if (index == DigestIndex::kAbsent) {
      new_layers.push_back(i);
    } else if (fleet_.layers[index].size != layer.size) {
      ThrowTwoSizes(i, layer, fleet_.layers[index].size);
    }
  }
  // Sorted, as a hostile manifest may list half a million layers.
  std::ranges::stable_sort(new_layers, {},
                           [&](std::size_t i) -> const Digest& { return record.layers[i].digest; });
  for (std::size_t k = 1; k < new_layers.size(); ++k) {
    const LayerRecord& before = record.layers[new_layers[k - 1]];
    const LayerRecord& layer = record.layers[new_layers[k]];
    if (before.digest == layer.digest && before.size != layer.size) {
      ThrowTwoSizes(new_layers[k], layer, before.size);
    }
  }
  if (known_image != DigestIndex::kAbsent && record.manifest_digest) {
    const auto chain = fleet_.chain(fleet_.images[known_image]);
    std::size_t same = 0;
    while (same < chain.size() && same < record.layers.size() &&
           fleet_.layers[chain[same]].digest == record.layers[same].digest) {
      ++same;
    }
    if (same < chain.size() || same < record.layers.size()) {
      const std::string before =
          same < chain.size() ? fleet_.digest_text(fleet_.layers[chain[same]]) : "none";
      const std::string here = same < record.layers.size() ? TextOf(record.layers[same]) : "none";
      throw InputError("layers[" + std::to_string(same) + "]: manifest " +
                       (record.manifest_verifiable ? FormatDigest(*record.manifest_digest)
                                                   : std::string(record.manifest_digest_text)) +
                       " had " + before + ", here " + here +
                       "; a digest names one manifest, so one of the two is wrong");
    }
  }
  ValidatePools(record);
}

void FleetBuilder::ValidatePools(const ImageRecord& record) const {
  std::vector<PoolRecord> given;
  std::ranges::copy_if(record.pools, std::back_inserter(given),
                       [](const PoolRecord& pool) { return pool.nodes.has_value(); });
  std::ranges::stable_sort(given, {}, &PoolRecord::name);
  for (std::size_t i = 0; i < given.size(); ++i) {
    const PoolRecord& pool = given[i];
    std::int64_t known_nodes = -1;
    if (const std::optional<TextIndex> name = fleet_.texts.Find(pool.name)) {
      const auto known = pool_index_.find(*name);
      if (known != pool_index_.end()) known_nodes = fleet_.pools[known->second].nodes;
    }
    if (known_nodes < 0 && i > 0 && given[i - 1].name == pool.name)
      known_nodes = *given[i - 1].nodes;
    if (known_nodes >= 0 && known_nodes != *pool.nodes) {
      throw InputError("pool \"" + std::string(pool.name) + "\" had " +
                       std::to_string(known_nodes) + " nodes before, here " +
                       std::to_string(*pool.nodes) + "; give it one number everywhere");
    }
  }
}

void FleetBuilder::Add(const ImageRecord& record) {
  const Digest identity =
      record.manifest_digest ? *record.manifest_digest : IdentityWithoutManifest(record);
  const auto image_at = [this](std::uint32_t i) -> const Digest& {
    return fleet_.images[i].identity;
  };
  ImageIndex index = image_index_.Find(identity, image_at);
  Validate(record, index);
  AddToSums(record, index == DigestIndex::kAbsent);

  if (index == DigestIndex::kAbsent) {
    Image image;
    image.identity = identity;
    image.has_manifest_digest = record.manifest_digest.has_value();
    image.pulls = 0;
    image.first_layer = fleet_.layer_references.size();
    image.num_layers = static_cast<std::uint32_t>(record.layers.size());
    for (const LayerRecord& layer : record.layers) {
      fleet_.layer_references.push_back(InternLayer(layer));
    }
    index = static_cast<ImageIndex>(fleet_.images.size());
    fleet_.images.push_back(image);
    pulls_given_.push_back(0);
    image_index_.Insert(index, image_at);
    if (record.layers.empty()) ++warnings_.empty_chains;
    if (record.manifest_digest && !record.manifest_verifiable) {
      KeepOpaque(identity, record.manifest_digest_text);
    }
  } else {
    // Another ref may know more of the layers: instruction, diff_id.
    for (const LayerRecord& layer : record.layers) InternLayer(layer);
  }
  Merge(index, record);
}

LayerIndex FleetBuilder::InternLayer(const LayerRecord& record) {
  const auto digest_at = [this](std::uint32_t i) -> const Digest& {
    return fleet_.layers[i].digest;
  };
  LayerIndex index = layer_index_.Find(record.digest, digest_at);
  if (index == DigestIndex::kAbsent) {
    index = static_cast<LayerIndex>(fleet_.layers.size());
    Layer layer;
    layer.digest = record.digest;
    layer.size = record.size;
    layer.verifiable = record.verifiable;
    fleet_.layers.push_back(layer);
    layer_index_.Insert(index, digest_at);
    if (!record.verifiable) {
      ++warnings_.unverifiable;
      KeepOpaque(record.digest, record.digest_text);
    }
  }
  Layer& layer = fleet_.layers[index];
  layer.foreign |= record.foreign;
  KeepSmaller(layer.uncompressed_size, record.uncompressed_size);
  KeepSmaller(fleet_.texts, layer.created_by, record.created_by);
  KeepSmaller(fleet_.texts, layer.media_type, record.media_type);
  if (record.diff_id) {
    const auto diff_id_at = [this](std::uint32_t i) -> const Digest& { return fleet_.diff_ids[i]; };
    std::uint32_t diff_id = diff_id_index_.Find(*record.diff_id, diff_id_at);
    if (diff_id == DigestIndex::kAbsent) {
      diff_id = static_cast<std::uint32_t>(fleet_.diff_ids.size());
      fleet_.diff_ids.push_back(*record.diff_id);
      diff_id_index_.Insert(diff_id, diff_id_at);
    }
    if (layer.diff_id != kNone && layer.diff_id != diff_id) has_two_diff_ids_.insert(index);
    if (layer.diff_id == kNone || fleet_.diff_ids[diff_id] < fleet_.diff_ids[layer.diff_id]) {
      layer.diff_id = diff_id;
    }
  }
  return index;
}

void FleetBuilder::Merge(ImageIndex index, const ImageRecord& record) {
  Image& image = fleet_.images[index];
  TextPool& texts = fleet_.texts;
  if (image.platform != 0 && !record.platform.empty() && texts[image.platform] != record.platform) {
    has_two_platforms_.insert(index);
  }
  KeepSmaller(texts, image.platform, record.platform);
  image.is_windows |= record.is_windows || IsWindows(record.platform);
  KeepSmaller(texts, image.created, record.created);
  KeepSmaller(texts, image.entry_point, record.entry_point);
  KeepSmaller(texts, image.search_path, record.search_path);
  // One config, one history; the first that comes with one is believed.
  if (image.last_step == kNone) image.last_step = InternSteps(record.steps);
  KeepSmaller(image.config_size, record.config_size);
  KeepSmaller(image.manifest_size, record.manifest_size);
  if (record.config_digest && (!image.has_config || *record.config_digest < image.config_digest)) {
    image.config_digest = *record.config_digest;
    image.has_config = true;
  }
  if (record.pulls) {
    image.pulls = CheckedAdd(image.pulls, *record.pulls);
    pulls_given_[index] = 1;
  }
  if (!record.ref.empty()) refs_.push_back({index, texts.Intern(record.ref)});
  for (const LabelRecord& label : record.labels) {
    labels_.push_back({index, {texts.Intern(label.key), texts.Intern(label.value)}});
  }
  for (const PoolRecord& pool : record.pools) {
    const TextIndex name = texts.Intern(pool.name);
    const auto [found, is_new] =
        pool_index_.try_emplace(name, static_cast<PoolIndex>(fleet_.pools.size()));
    if (is_new) fleet_.pools.push_back({.name = name, .nodes = -1});
    if (pool.nodes) fleet_.pools[found->second].nodes = *pool.nodes;
    pools_.push_back({index, found->second});
  }
}

std::size_t FleetBuilder::StepHash::operator()(const Step& step) const {
  return KeyedHash()
      .Add(std::uint64_t{step.previous} << 1 | (step.makes_layer ? 1U : 0U))
      .Add(std::uint64_t{step.created_by} << 32 | step.created)
      .Finish();
}

// The last step, kNone when there is none.
std::uint32_t FleetBuilder::InternSteps(const std::vector<StepRecord>& steps) {
  std::uint32_t last = kNone;
  for (const StepRecord& record : steps) {
    const Step step{.previous = last,
                    .created_by = fleet_.texts.Intern(record.created_by),
                    .created = fleet_.texts.Intern(record.created),
                    .makes_layer = record.makes_layer};
    const auto [found, is_new] =
        step_index_.try_emplace(step, static_cast<std::uint32_t>(fleet_.steps.size()));
    if (is_new) fleet_.steps.push_back(step);
    last = found->second;
  }
  return last;
}

void FleetBuilder::KeepOpaque(const Digest& key, std::string_view text) {
  fleet_.opaque_digests.emplace_back(key, std::string(text));
}

void FleetBuilder::CheckPools() const {
  for (const Pool& pool : fleet_.pools) {
    if (pool.nodes >= 0) continue;
    throw InputError("pool \"" + std::string(fleet_.text(pool.name)) +
                     "\" is named by an image but no line gives its nodes; write {\"name\":\"" +
                     std::string(fleet_.text(pool.name)) + "\",\"nodes\":N} once");
  }
}

// Sorts what was said by image, gives each image its slice, and puts images in canonical order.
void FleetBuilder::OrderImages() {
  Fleet& fleet = fleet_;
  const TextPool& texts = fleet.texts;

  std::ranges::sort(refs_, [&](const auto& a, const auto& b) {
    if (a.image != b.image) return a.image < b.image;
    return a.value != b.value && texts[a.value] < texts[b.value];
  });
  refs_.erase(std::ranges::unique(refs_).begin(), refs_.end());
  std::ranges::sort(labels_, [&](const auto& a, const auto& b) {
    if (a.image != b.image) return a.image < b.image;
    return std::tuple(texts[a.value.key], texts[a.value.value]) <
           std::tuple(texts[b.value.key], texts[b.value.value]);
  });
  labels_.erase(std::ranges::unique(labels_).begin(), labels_.end());
  std::ranges::sort(pools_, [&](const auto& a, const auto& b) {
    if (a.image != b.image) return a.image < b.image;
    return texts[fleet.pools[a.value].name] < texts[fleet.pools[b.value].name];
  });
  pools_.erase(std::ranges::unique(pools_).begin(), pools_.end());

  for (std::size_t i = 0; i < refs_.size(); ++i) {
    Image& image = fleet.images[refs_[i].image];
    if (image.num_refs++ == 0) image.first_ref = i;
  }
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    Image& image = fleet.images[labels_[i].image];
    if (image.num_labels++ == 0) image.first_label = static_cast<std::uint32_t>(i);
  }
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    Image& image = fleet.images[pools_[i].image];
    if (image.num_pools++ == 0) image.first_pool = static_cast<std::uint32_t>(i);
  }

  const auto smallest_ref = [&](const Image& image) {
    return image.num_refs == 0 ? std::string_view() : texts[refs_[image.first_ref].value];
  };
  std::vector<ImageIndex> order(fleet.images.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](ImageIndex ia, ImageIndex ib) {
    const Image& a = fleet.images[ia];
    const Image& b = fleet.images[ib];
    if (const auto c = smallest_ref(a) <=> smallest_ref(b); c != 0) return c < 0;
    if (const auto c = texts[a.platform] <=> texts[b.platform]; c != 0) return c < 0;
    return a.identity < b.identity;
  });

  Fleet ordered;
  ordered.images.reserve(order.size());
  ordered.refs.reserve(refs_.size());
  ordered.labels.reserve(labels_.size());
  ordered.pool_references.reserve(pools_.size());
  ordered.layer_references.reserve(fleet.layer_references.size());
  for (const ImageIndex old_index : order) {
    Image image = fleet.images[old_index];
    const auto chain = fleet.chain(image);
    const std::uint64_t first_ref = image.first_ref;
    const std::uint32_t first_label = image.first_label;
    const std::uint32_t first_pool = image.first_pool;
    image.first_layer = ordered.layer_references.size();
    image.first_ref = ordered.refs.size();
    image.first_label = static_cast<std::uint32_t>(ordered.labels.size());
    image.first_pool = static_cast<std::uint32_t>(ordered.pool_references.size());
    if (pulls_given_[old_index] == 0) image.pulls = 1;
    ordered.layer_references.insert(ordered.layer_references.end(), chain.begin(), chain.end());
    for (std::uint32_t i = 0; i < image.num_refs; ++i) {
      ordered.refs.push_back(refs_[first_ref + i].value);
    }
    for (std::uint32_t i = 0; i < image.num_labels; ++i) {
      ordered.labels.push_back(labels_[first_label + i].value);
    }
    for (std::uint32_t i = 0; i < image.num_pools; ++i) {
      ordered.pool_references.push_back(pools_[first_pool + i].value);
    }
    ordered.images.push_back(image);
  }
  fleet.images = std::move(ordered.images);
  fleet.layer_references = std::move(ordered.layer_references);
  fleet.refs = std::move(ordered.refs);
  fleet.labels = std::move(ordered.labels);
  fleet.pool_references = std::move(ordered.pool_references);

  std::vector<PoolIndex> new_pool(fleet.pools.size());
  std::vector<PoolIndex> pool_order(fleet.pools.size());
  std::iota(pool_order.begin(), pool_order.end(), 0U);
  std::ranges::sort(pool_order, {}, [&](PoolIndex i) { return texts[fleet.pools[i].name]; });
  std::vector<Pool> pools;
  for (const PoolIndex old_index : pool_order) {
    new_pool[old_index] = static_cast<PoolIndex>(pools.size());
    pools.push_back(fleet.pools[old_index]);
  }
  fleet.pools = std::move(pools);
  for (PoolIndex& pool : fleet.pool_references) pool = new_pool[pool];
}

// Numbers layers, and diff_ids, by first use over the canonical images.
void FleetBuilder::OrderLayers() {
  Fleet& fleet = fleet_;
  std::vector<LayerIndex> new_index(fleet.layers.size(), kNone);
  std::vector<std::uint32_t> new_diff_id(fleet.diff_ids.size(), kNone);
  std::vector<Layer> layers;
  std::vector<Digest> diff_ids;
  layers.reserve(fleet.layers.size());
  for (LayerIndex& reference : fleet.layer_references) {
    LayerIndex& index = new_index[reference];
    if (index == kNone) {
      index = static_cast<LayerIndex>(layers.size());
      Layer layer = fleet.layers[reference];
      if (layer.diff_id != kNone) {
        std::uint32_t& diff_id = new_diff_id[layer.diff_id];
        if (diff_id == kNone) {
          diff_id = static_cast<std::uint32_t>(diff_ids.size());
          diff_ids.push_back(fleet.diff_ids[layer.diff_id]);
        }
        layer.diff_id = diff_id;
      }
      layers.push_back(layer);
    }
    reference = index;
  }
  fleet.layers = std::move(layers);
  fleet.diff_ids = std::move(diff_ids);
}

// A config is one blob of one size: images whose lines do not tell it have it from those whose
// lines do, the smallest when they differ.
void FleetBuilder::ShareConfigSizes() {
  std::vector<Image>& images = fleet_.images;
  const bool all_known = std::ranges::none_of(images, [](const Image& image) {
    return image.has_config && image.config_size == kUnknownSize;
  });
  if (all_known) return;
  DigestIndex index;
  std::vector<ImageIndex> first_image;  // per config; its size is the config's
  const auto digest_at = [&](std::uint32_t i) -> const Digest& {
    return images[first_image[i]].config_digest;
  };
  for (const bool is_told : {false, true}) {
    for (ImageIndex i = 0; i < images.size(); ++i) {
      if (!images[i].has_config) continue;
      const std::uint32_t config = index.Find(images[i].config_digest, digest_at);
      if (config == DigestIndex::kAbsent) {
        first_image.push_back(i);
        index.Insert(static_cast<std::uint32_t>(first_image.size() - 1), digest_at);
      } else if (is_told) {
        images[i].config_size = images[first_image[config]].config_size;
      } else {
        KeepSmaller(images[first_image[config]].config_size, images[i].config_size);
      }
    }
  }
}

Fleet FleetBuilder::Build(FleetWarnings* warnings) {
  CheckPools();
  warnings_.twin_diff_ids = std::ssize(has_two_diff_ids_);
  warnings_.several_platforms = std::ssize(has_two_platforms_);
  image_index_ = {};
  layer_index_ = {};
  diff_id_index_ = {};
  OrderImages();
  OrderLayers();
  ShareConfigSizes();
  fleet_.texts.Seal();
  std::ranges::sort(fleet_.opaque_digests);
  fleet_.opaque_digests.erase(std::ranges::unique(fleet_.opaque_digests).begin(),
                              fleet_.opaque_digests.end());

  std::vector<ImageIndex> last_image(fleet_.layers.size(), kNone);
  for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
    const auto chain = fleet_.chain(fleet_.images[i]);
    if (!chain.empty()) fleet_.layers[chain.front()].is_lowest = true;
    bool repeated = false;
    for (const LayerIndex layer : chain) {
      repeated |= last_image[layer] == i;
      last_image[layer] = i;
    }
    if (repeated) ++warnings_.repeated_layers;
    if (!fleet_.pools.empty() && fleet_.images[i].num_pools == 0) ++warnings_.images_without_pool;
  }
  if (warnings != nullptr) *warnings = warnings_;
  Fleet built = std::move(fleet_);
  *this = FleetBuilder();
  return built;
}

}  // namespace gneiss
