// How tools in use choose an image's layers, applied to the atoms of a fleet: what carving is
// measured against. From their public descriptions, each with at most K layers in an image; none of
// them sees the other images, but for what equal rules make equal. Given packages' parts that the
// same images hold instead of packages or store paths, they are better off than in the field: what
// only some images share is told apart for them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "solver/carving/atoms.h"
#include "solver/carving/layer_carving.h"

namespace gneiss {

enum class LayerRule : std::uint8_t {
  kFlatten,     // one layer an image (crane flatten)
  kCommonBase,  // what all images have, and the rest of each (one base for everybody)
  kPopularity,  // the K - 1 most widely used atoms alone, the rest together (Nix,
                // buildLayeredImage)
  kOrigin,      // the K - 1 largest groups of one origin alone, the rest together (apko's budget)
  kHashBins,  // outliers in size alone, the rest by a hash of the name into bins (chunkah, ostree)
};
inline constexpr std::array kLayerRules = {LayerRule::kFlatten, LayerRule::kCommonBase,
                                           LayerRule::kPopularity, LayerRule::kOrigin,
                                           LayerRule::kHashBins};
[[nodiscard]] std::string_view LayerRuleName(LayerRule rule);

// What the rules know of an atom beside its bytes.
struct AtomTraits {
  std::uint32_t origin = 0;  // equal for atoms of one origin
  std::uint64_t hash = 0;    // of its name
};

// Layers of all images; equal ones are one. REQUIRES: max_layers >= 1, traits are parallel to the
// atoms. Of rules that need two layers one image gets one where max_layers is 1. Time O(sizes of
// the signatures * log).
[[nodiscard]] std::vector<CarvedLayer> ApplyLayerRule(LayerRule rule, const AtomTable& atoms,
                                                      const std::vector<AtomTraits>& traits,
                                                      std::uint32_t max_layers);

}  // namespace gneiss
