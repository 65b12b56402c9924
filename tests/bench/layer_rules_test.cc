#include "bench/layer_rules.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/rounds.h"

namespace gneiss {
namespace {

AtomTable RandomAtoms(std::mt19937_64& random) {
  AtomTable atoms;
  atoms.num_images = static_cast<std::uint32_t>(1 + random() % 6);
  std::set<std::vector<std::uint32_t>> signatures;
  for (int tries = 0; tries < 12; ++tries) {
    std::vector<std::uint32_t> images;
    for (std::uint32_t i = 0; i < atoms.num_images; ++i) {
      if (random() % 2 == 0) images.push_back(i);
    }
    if (!images.empty()) signatures.insert(images);
  }
  atoms.first_image.push_back(0);
  for (const auto& images : signatures) {
    atoms.bytes.push_back(static_cast<std::int64_t>(1 + random() % 1000));
    atoms.images.insert(atoms.images.end(), images.begin(), images.end());
    atoms.first_image.push_back(atoms.images.size());
  }
  return atoms;
}

std::vector<AtomTraits> RandomTraits(std::mt19937_64& random, std::size_t size) {
  std::vector<AtomTraits> traits(size);
  for (AtomTraits& t : traits) {
    t.origin = static_cast<std::uint32_t>(random() % 4);
    t.hash = random();
  }
  return traits;
}

TEST_CASE("Every rule gives each image its atoms once, in at most K layers",
          "[bench][layer_rules]") {
  std::mt19937_64 random(1);
  for (int round = 0; round < NumRounds(500); ++round) {
    const AtomTable atoms = RandomAtoms(random);
    const std::vector<AtomTraits> traits = RandomTraits(random, atoms.size());
    for (const LayerRule rule : kLayerRules) {
      for (const std::uint32_t max_layers : {1U, 2U, 3U, 40U}) {
        INFO(LayerRuleName(rule) << " " << max_layers << " round " << round);
        std::vector<std::multiset<AtomIndex>> got(atoms.num_images);
        std::vector<std::uint32_t> num_layers(atoms.num_images, 0);
        std::set<std::pair<std::vector<std::uint32_t>, std::vector<AtomIndex>>> seen;
        for (const CarvedLayer& layer : ApplyLayerRule(rule, atoms, traits, max_layers)) {
          REQUIRE(seen.emplace(layer.images, layer.atoms).second);
          for (const std::uint32_t i : layer.images) {
            ++num_layers[i];
            got[i].insert(layer.atoms.begin(), layer.atoms.end());
          }
        }
        for (std::uint32_t i = 0; i < atoms.num_images; ++i) {
          std::multiset<AtomIndex> expected;
          for (AtomIndex a = 0; a < atoms.size(); ++a) {
            const auto signature = atoms.signature(a);
            if (std::ranges::find(signature, i) != signature.end()) expected.insert(a);
          }
          REQUIRE(got[i] == expected);
          REQUIRE(num_layers[i] <= max_layers);
        }
      }
    }
  }
}

TEST_CASE("The rules tell atoms apart by what they are named for", "[bench][layer_rules]") {
  // Two images; atom 0 is of both, 1 and 2 of the first, 3 of the second.
  AtomTable atoms;
  atoms.num_images = 2;
  atoms.bytes = {10, 500, 20, 30};
  atoms.images = {0, 1, 0, 0, 1};
  atoms.first_image = {0, 2, 3, 4, 5};
  const std::vector<AtomTraits> traits = {
      {.origin = 1, .hash = 0}, {.origin = 1, .hash = 1}, {.origin = 2, .hash = 0}, {.hash = 1}};
  const auto layers = [&](LayerRule rule, std::uint32_t max_layers) {
    return ApplyLayerRule(rule, atoms, traits, max_layers);
  };
  CHECK(layers(LayerRule::kFlatten, 5) ==
        std::vector<CarvedLayer>{{{0}, {0, 1, 2}}, {{1}, {0, 3}}});
  CHECK(layers(LayerRule::kCommonBase, 5) ==
        std::vector<CarvedLayer>{{{0}, {1, 2}}, {{0, 1}, {0}}, {{1}, {3}}});
  CHECK(layers(LayerRule::kPopularity, 2) ==
        std::vector<CarvedLayer>{{{0}, {1, 2}}, {{0, 1}, {0}}, {{1}, {3}}});
  CHECK(layers(LayerRule::kOrigin, 2) ==
        std::vector<CarvedLayer>{{{0}, {0, 1}}, {{0}, {2}}, {{1}, {0}}, {{1}, {3}}});
  CHECK(layers(LayerRule::kHashBins, 2) ==
        std::vector<CarvedLayer>{{{0}, {0, 2}}, {{0}, {1}}, {{1}, {0}}, {{1}, {3}}});
}

}  // namespace
}  // namespace gneiss
