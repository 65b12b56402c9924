#include "bench/fleet_shape.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include "planner/fleet/digest.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

double Ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

// The smallest value that at least `share` of `sorted` does not exceed.
double Quantile(std::span<const std::int64_t> sorted, double share) {
  if (sorted.empty()) return 0;
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return static_cast<double>(sorted[std::min(index, sorted.size() - 1)]);
}

std::vector<std::int64_t> CountImagesPerLayer(const Fleet& fleet) {
  std::vector<std::int64_t> uses(fleet.layers.size(), 0);
  std::vector<ImageIndex> last_image(fleet.layers.size(), kNone);
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    for (const LayerIndex layer : fleet.chain(fleet.images[i])) {
      if (last_image[layer] == i) continue;
      last_image[layer] = i;
      ++uses[layer];
    }
  }
  return uses;
}

void MeasureImages(const Fleet& fleet, FleetShape& shape) {
  std::vector<ImageIndex> last_image(fleet.layers.size(), kNone);
  std::vector<std::int64_t> lengths;
  std::vector<std::int64_t> sizes;
  double logical = 0;
  std::int64_t num_repeating = 0;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    std::int64_t size = 0;
    bool repeats = false;
    for (const LayerIndex layer : fleet.chain(fleet.images[i])) {
      if (last_image[layer] == i) {
        repeats = true;
        continue;
      }
      last_image[layer] = i;
      size += fleet.layers[layer].size;
    }
    num_repeating += repeats ? 1 : 0;
    logical += static_cast<double>(size);
    lengths.push_back(fleet.images[i].num_layers);
    sizes.push_back(size);
  }
  std::ranges::sort(lengths);
  std::ranges::sort(sizes);
  for (std::size_t q = 0; q < kShapeQuantiles.size(); ++q) {
    shape.layers_per_image[q] = Quantile(lengths, kShapeQuantiles[q]);
    if (q < shape.megabytes_per_image.size()) {
      shape.megabytes_per_image[q] = Quantile(sizes, kShapeQuantiles[q]) / 1e6;
    }
  }
  double physical = 0;
  for (const Layer& layer : fleet.layers) physical += static_cast<double>(layer.size);
  shape.logical_over_physical = physical == 0 ? 0 : logical / physical;
  shape.megabytes_per_layer =
      shape.num_layers == 0 ? 0 : physical / 1e6 / static_cast<double>(shape.num_layers);
  shape.repeating_images = Ratio(num_repeating, shape.num_images);
}

void MeasureLayerSizes(const Fleet& fleet, FleetShape& shape) {
  std::vector<std::int64_t> sizes;
  sizes.reserve(fleet.layers.size());
  for (const Layer& layer : fleet.layers) sizes.push_back(layer.size);
  std::ranges::sort(sizes);
  const double count = static_cast<double>(sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    // Integer sizes are what real-valued ones round down to; equal sizes are one step of the law.
    if (i == 0 || sizes[i - 1] != sizes[i]) {
      const double above =
          static_cast<double>(i) / count - LayerSizeLaw(static_cast<double>(sizes[i]));
      shape.layer_size_distance = std::max(shape.layer_size_distance, above);
    }
    if (i + 1 == sizes.size() || sizes[i + 1] != sizes[i]) {
      const double below =
          LayerSizeLaw(static_cast<double>(sizes[i]) + 1) - static_cast<double>(i + 1) / count;
      shape.layer_size_distance = std::max(shape.layer_size_distance, below);
    }
  }
  const auto num_small = std::ranges::lower_bound(sizes, 100'000) - sizes.begin();
  shape.small_layers = Ratio(num_small, shape.num_layers);
}

void MeasureSharing(const Fleet& fleet, FleetShape& shape) {
  const std::vector<std::int64_t> uses = CountImagesPerLayer(fleet);
  const auto share = [&](auto predicate) {
    return Ratio(std::ranges::count_if(uses, predicate), shape.num_layers);
  };
  shape.used_once = share([](std::int64_t n) { return n == 1; });
  shape.used_twice = share([](std::int64_t n) { return n == 2; });
  shape.used_over_10 = share([](std::int64_t n) { return n > 10; });
  shape.used_over_50 = share([](std::int64_t n) { return n > 50; });

  std::array<std::int64_t, 10> slots{};
  std::array<std::int64_t, 10> shared{};
  for (const Image& image : fleet.images) {
    const auto chain = fleet.chain(image);
    for (std::size_t i = 0; i < chain.size(); ++i) {
      const std::size_t decile = 10 * i / chain.size();
      ++slots[decile];
      shared[decile] += uses[chain[i]] > 1 ? 1 : 0;
    }
  }
  for (std::size_t d = 0; d < 10; ++d) shape.shared_by_depth[d] = Ratio(shared[d], slots[d]);

  std::vector<std::int64_t> digests_of(fleet.diff_ids.size(), 0);
  for (const Layer& layer : fleet.layers) {
    if (layer.diff_id != kNone) ++digests_of[layer.diff_id];
  }
  const auto num_twins = std::ranges::count_if(digests_of, [](auto n) { return n > 1; });
  shape.twin_diff_ids = Ratio(num_twins, static_cast<std::int64_t>(digests_of.size()));
}

// Prefixes are known by a 64-bit hash; a collision would shift the ratio by one in millions.
void MeasureBases(const Fleet& fleet, FleetShape& shape) {
  const auto extend = [&](std::uint64_t prefix, LayerIndex layer) {
    return KeyedHash().Add(prefix).Add(DigestHash()(fleet.layers[layer].digest)).Finish();
  };
  std::unordered_set<std::uint64_t> chains;
  for (const Image& image : fleet.images) {
    std::uint64_t hash = 0;
    for (const LayerIndex layer : fleet.chain(image)) hash = extend(hash, layer);
    chains.insert(hash);
  }
  std::unordered_set<std::uint64_t> under;
  for (const Image& image : fleet.images) {
    std::uint64_t hash = 0;
    bool has_base = false;
    for (const LayerIndex layer : fleet.chain(image)) {
      has_base |= hash != 0 && chains.contains(hash);
      hash = extend(hash, layer);
    }
    if (has_base) under.insert(hash);
  }
  shape.under_base =
      Ratio(static_cast<std::int64_t>(under.size()), static_cast<std::int64_t>(chains.size()));
}

void MeasureTags(const Fleet& fleet, FleetShape& shape) {
  // One manifest of each platform under one ref is one tag.
  std::unordered_set<TextIndex> refs(fleet.refs.begin(), fleet.refs.end());
  std::unordered_map<std::string_view, std::int64_t> tags_of;
  for (const TextIndex ref : refs) ++tags_of[SplitRef(fleet.text(ref)).repository];
  std::vector<std::int64_t> tags;
  for (const auto& [repository, count] : tags_of) tags.push_back(count);
  std::ranges::sort(tags);
  shape.num_refs = static_cast<std::int64_t>(refs.size());
  shape.num_repositories = static_cast<std::int64_t>(tags.size());
  shape.tags_per_repository_p50 = Quantile(tags, .5);
  shape.tags_per_repository_p90 = Quantile(tags, .9);
}

// P(Z <= z) for a standard normal.
double NormalLaw(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

double CutLogNormalMean(double mu, double sigma, double cut) {
  const double z = (std::log(cut) - mu) / sigma;
  return std::exp(mu + sigma * sigma / 2) * NormalLaw(z - sigma) / NormalLaw(z);
}

double CutLogNormalLaw(double size, double mu, double sigma, double cut) {
  const auto law = [&](double x) { return x <= 0 ? 0 : NormalLaw((std::log(x) - mu) / sigma); };
  return law(std::min(size, cut)) / law(cut);
}

}  // namespace

double LayerSizeLaw(double size) {
  return 0.42 * CutLogNormalLaw(size, 7.03, 1.85, 100e3) +
         0.58 * CutLogNormalLaw(size, 16.42, 2.26, 9e9);
}

const FleetShape& DockerHubShape() {
  static const FleetShape kShape = [] {
    FleetShape shape;
    shape.layers_per_image = {2, 5, 11, 15, 22, 57, 189};
    shape.megabytes_per_image = {37, 122, 340, 1080, 4466, 7746};
    shape.megabytes_per_layer =
        (0.42 * CutLogNormalMean(7.03, 1.85, 100e3) + 0.58 * CutLogNormalMean(16.42, 2.26, 9e9)) /
        1e6;
    shape.small_layers = LayerSizeLaw(99'999);
    shape.used_once = .815;
    shape.used_twice = .083;
    shape.used_over_10 = .023;
    shape.used_over_50 = .0015;
    shape.logical_over_physical = 2.09;
    shape.shared_by_depth = {.86, .81, .70, .63, .56, .44, .39, .31, .25, .26};
    shape.twin_diff_ids = .008;
    shape.under_base = .48;
    shape.tags_per_repository_p50 = 7;
    shape.tags_per_repository_p90 = 154;
    return shape;
  }();
  return kShape;
}

FleetShape MeasureShape(const Fleet& fleet) {
  FleetShape shape;
  shape.num_images = static_cast<std::int64_t>(fleet.images.size());
  shape.num_layers = static_cast<std::int64_t>(fleet.layers.size());
  shape.num_slots = static_cast<std::int64_t>(fleet.layer_references.size());
  MeasureImages(fleet, shape);
  MeasureLayerSizes(fleet, shape);
  MeasureSharing(fleet, shape);
  MeasureBases(fleet, shape);
  MeasureTags(fleet, shape);
  return shape;
}

std::string FormatShape(const FleetShape& measured, const FleetShape& target) {
  std::string text;
  const auto out = std::back_inserter(text);
  const auto row = [&](std::string_view name, double found, double wanted) {
    fmt::format_to(out, "{:<34} {:>12.6g} {:>12.6g}\n", name, found, wanted);
  };
  fmt::format_to(out, "{} images, {} refs, {} repositories, {} layers, {} slots\n\n",
                 measured.num_images, measured.num_refs, measured.num_repositories,
                 measured.num_layers, measured.num_slots);
  fmt::format_to(out, "{:<34} {:>12} {:>12}\n", "", "measured", "target");
  for (std::size_t q = 0; q < kShapeQuantiles.size(); ++q) {
    row(fmt::format("layers per image p{:g}", 100 * kShapeQuantiles[q]),
        measured.layers_per_image[q], target.layers_per_image[q]);
  }
  for (std::size_t q = 0; q < measured.megabytes_per_image.size(); ++q) {
    row(fmt::format("MB per image p{:g}", 100 * kShapeQuantiles[q]),
        measured.megabytes_per_image[q], target.megabytes_per_image[q]);
  }
  row("layer size, distance to the law", measured.layer_size_distance, target.layer_size_distance);
  row("MB per layer, mean", measured.megabytes_per_layer, target.megabytes_per_layer);
  row("layers under 100 KB", measured.small_layers, target.small_layers);
  row("layers used by 1 image", measured.used_once, target.used_once);
  row("layers used by 2 images", measured.used_twice, target.used_twice);
  row("layers used by > 10 images", measured.used_over_10, target.used_over_10);
  row("layers used by > 50 images", measured.used_over_50, target.used_over_50);
  row("logical / physical bytes", measured.logical_over_physical, target.logical_over_physical);
  for (std::size_t d = 0; d < 10; ++d) {
    row(fmt::format("slot shared, depth decile {}", d), measured.shared_by_depth[d],
        target.shared_by_depth[d]);
  }
  row("diff_ids with two digests", measured.twin_diff_ids, target.twin_diff_ids);
  row("chains under a base image", measured.under_base, target.under_base);
  row("tags per repository p50", measured.tags_per_repository_p50, target.tags_per_repository_p50);
  row("tags per repository p90", measured.tags_per_repository_p90, target.tags_per_repository_p90);
  row("images with a repeated layer", measured.repeating_images, target.repeating_images);
  return text;
}

}  // namespace gneiss
