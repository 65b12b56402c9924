#include "bench/layer_rules.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

namespace gneiss {
namespace {

using AtomList = std::vector<AtomIndex>;

class RuleOfOneImage {
 public:
  RuleOfOneImage(const AtomTable& atoms, const std::vector<AtomTraits>& traits,
                 std::uint32_t max_layers)
      : atoms_(atoms), traits_(traits), max_layers_(max_layers) {}

  // Layers of an image with these atoms; some may be empty.
  std::vector<AtomList> Apply(LayerRule rule, const AtomList& mine) const {
    if (max_layers_ == 1) return {mine};
    switch (rule) {
      case LayerRule::kFlatten:
        return {mine};
      case LayerRule::kCommonBase:
        return CommonBase(mine);
      case LayerRule::kPopularity:
        return Popularity(mine);
      case LayerRule::kOrigin:
        return Origin(mine);
      case LayerRule::kHashBins:
        return HashBins(mine);
    }
    return {mine};
  }

 private:
  std::vector<AtomList> CommonBase(const AtomList& mine) const {
    std::vector<AtomList> layers(2);
    for (const AtomIndex a : mine) {
      layers[atoms_.signature(a).size() == atoms_.num_images ? 0 : 1].push_back(a);
    }
    return layers;
  }

  std::vector<AtomList> Popularity(AtomList mine) const {
    std::ranges::sort(mine, [&](AtomIndex a, AtomIndex b) {
      const auto key = [&](AtomIndex x) {
        return std::tuple(-std::ssize(atoms_.signature(x)), -atoms_.bytes[x], x);
      };
      return key(a) < key(b);
    });
    std::vector<AtomList> layers;
    for (const AtomIndex a : mine) {
      if (layers.size() < max_layers_) layers.emplace_back();
      layers.back().push_back(a);
    }
    return layers;
  }

  std::vector<AtomList> Origin(const AtomList& mine) const {
    std::map<std::uint32_t, AtomList> groups;
    for (const AtomIndex a : mine) groups[traits_[a].origin].push_back(a);
    std::vector<std::pair<std::int64_t, AtomList>> sized;
    for (auto& [origin, group] : groups) {
      std::int64_t bytes = 0;
      for (const AtomIndex a : group) bytes += atoms_.bytes[a];
      sized.emplace_back(-bytes, std::move(group));
    }
    std::ranges::stable_sort(sized, {}, [](const auto& group) { return group.first; });
    std::vector<AtomList> layers;
    for (auto& [bytes, group] : sized) {
      if (layers.size() < max_layers_) layers.emplace_back();
      layers.back().insert(layers.back().end(), group.begin(), group.end());
    }
    return layers;
  }

  // Half of the layers at most for outliers, beyond the mean and two standard deviations.
  std::vector<AtomList> HashBins(AtomList mine) const {
    double sum = 0;
    double squares = 0;
    for (const AtomIndex a : mine) {
      const auto bytes = static_cast<double>(atoms_.bytes[a]);
      sum += bytes;
      squares += bytes * bytes;
    }
    const auto n = static_cast<double>(std::max<std::size_t>(1, mine.size()));
    const double limit = sum / n + 2 * std::sqrt(std::max(0.0, squares / n - sum / n * (sum / n)));
    std::ranges::stable_sort(mine, {}, [&](AtomIndex a) { return -atoms_.bytes[a]; });
    std::vector<AtomList> layers;
    std::size_t at = 0;
    for (; at < mine.size() && layers.size() < max_layers_ / 2; ++at) {
      if (static_cast<double>(atoms_.bytes[mine[at]]) <= limit) break;
      layers.push_back({mine[at]});
    }
    const std::size_t first_bin = layers.size();
    const std::size_t num_bins = max_layers_ - first_bin;
    layers.resize(max_layers_);
    for (; at < mine.size(); ++at) {
      layers[first_bin + traits_[mine[at]].hash % num_bins].push_back(mine[at]);
    }
    return layers;
  }

  const AtomTable& atoms_;
  const std::vector<AtomTraits>& traits_;
  std::uint32_t max_layers_;
};

}  // namespace

std::string_view LayerRuleName(LayerRule rule) {
  constexpr std::array<std::string_view, kLayerRules.size()> kNames = {
      "flatten", "common base", "popularity", "origin", "hash bins"};
  return kNames[static_cast<std::size_t>(rule)];
}

std::vector<CarvedLayer> ApplyLayerRule(LayerRule rule, const AtomTable& atoms,
                                        const std::vector<AtomTraits>& traits,
                                        std::uint32_t max_layers) {
  std::vector<AtomList> of_image(atoms.num_images);
  for (AtomIndex a = 0; a < atoms.size(); ++a) {
    for (const std::uint32_t i : atoms.signature(a)) of_image[i].push_back(a);
  }
  const RuleOfOneImage one(atoms, traits, max_layers);
  std::map<AtomList, std::vector<std::uint32_t>> images_of;
  for (std::uint32_t i = 0; i < atoms.num_images; ++i) {
    for (AtomList& layer : one.Apply(rule, of_image[i])) {
      if (layer.empty()) continue;
      std::ranges::sort(layer);
      images_of[std::move(layer)].push_back(i);
    }
  }
  std::vector<CarvedLayer> layers;
  for (auto& [list, images] : images_of) {
    layers.push_back({.images = std::move(images), .atoms = list});
  }
  std::ranges::sort(layers);
  return layers;
}

}  // namespace gneiss
