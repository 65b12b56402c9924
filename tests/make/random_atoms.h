// Small random atoms and rate models, and what every carving of them must be.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include "solver/carving/layer_carving.h"
#include "tests/make/owned_rates.h"

namespace gneiss {

// Up to `max_atoms` atoms with distinct signatures; small bytes, so that equal costs occur.
inline AtomTable RandomAtoms(std::mt19937_64& random, std::uint32_t num_images,
                             std::uint32_t max_atoms) {
  std::set<std::vector<std::uint32_t>> signatures;
  // Either anything, or signatures that are like those of a few parents.
  const bool anything = random() % 2 == 0;
  std::vector<std::uint32_t> parent;
  for (std::uint32_t n = 0; n < max_atoms; ++n) {
    if (anything || n % 4 == 0) {
      parent.clear();
      for (std::uint32_t i = 0; i < num_images; ++i) {
        if (random() % 3 != 0) parent.push_back(i);
      }
    }
    std::vector<std::uint32_t> signature = parent;
    if (!signature.empty() && random() % 2 == 0) {
      signature.erase(signature.begin() + static_cast<std::ptrdiff_t>(random() % signature.size()));
    }
    if (!signature.empty()) signatures.insert(signature);
  }
  AtomTable atoms{.num_images = num_images, .bytes = {}, .first_image = {0}, .images = {}};
  for (const std::vector<std::uint32_t>& signature : signatures) {
    const std::uint64_t scale = random() % 3 == 0 ? 1000 : 20;
    atoms.bytes.push_back(1 + static_cast<std::int64_t>(random() % scale));
    atoms.images.insert(atoms.images.end(), signature.begin(), signature.end());
    atoms.first_image.push_back(atoms.images.size());
  }
  return atoms;
}

// Storage alone with one pull each, or anything that a model can say.
struct RandomRates : OwnedRates {
  RandomRates(std::mt19937_64& random, std::uint32_t num_images, bool storage_alone) {
    for (std::uint32_t i = 0; i < num_images; ++i) {
      pulls.push_back(storage_alone ? 1 : static_cast<std::int64_t>(random() % 4));
    }
    if (!storage_alone) Complicate(random, num_images);
    Link();
  }

 private:
  void Complicate(std::mt19937_64& random, std::uint32_t num_images) {
    model.fetch_weight = 0.25 * static_cast<double>(random() % 4);
    model.storage_weight = 0.5 * static_cast<double>(1 + random() % 3);
    model.fetch_nodes = 5;
    model.fetch_intensity = 0.3;
    model.fetch_cold = random() % 3 == 0;
    model.layer_overhead = random() % 2 == 0 ? 0 : static_cast<std::int64_t>(random() % 20);
    if (random() % 2 == 0) return;
    model.scoped = random() % 2 == 0;
    for (std::uint32_t e = 0; e < 4; ++e) {
      const bool is_cell = model.scoped && e < 2;
      element_cells.push_back(is_cell ? 1 : 0);
      element_nodes.push_back(is_cell ? 0 : static_cast<std::int64_t>(random() % 3));
    }
    first_element.push_back(0);
    for (std::uint32_t i = 0; i < num_images; ++i) {
      // Every image is in a cell.
      elements.push_back(static_cast<std::uint32_t>(random() % 2));
      if (random() % 2 == 0) elements.push_back(static_cast<std::uint32_t>(2 + random() % 2));
      first_element.push_back(elements.size());
    }
  }
};

// Layers bring each atom to exactly the images of its signature, each once, and no image has more
// than `max_layers`.
inline void CheckLayers(const AtomTable& atoms, std::span<const CarvedLayer> layers,
                        std::uint32_t max_layers) {
  std::vector<std::vector<std::uint32_t>> reached(atoms.size());
  std::vector<std::uint32_t> num_layers(atoms.num_images, 0);
  for (const CarvedLayer& layer : layers) {
    REQUIRE(!layer.images.empty());
    REQUIRE(!layer.atoms.empty());
    REQUIRE(std::ranges::is_sorted(layer.images));
    REQUIRE(std::ranges::is_sorted(layer.atoms));
    for (const std::uint32_t i : layer.images) ++num_layers[i];
    for (const AtomIndex a : layer.atoms) {
      const std::span<const std::uint32_t> signature = atoms.signature(a);
      REQUIRE(std::ranges::includes(signature, layer.images));
      reached[a].insert(reached[a].end(), layer.images.begin(), layer.images.end());
    }
  }
  for (AtomIndex a = 0; a < atoms.size(); ++a) {
    std::ranges::sort(reached[a]);
    REQUIRE(std::ranges::equal(reached[a], atoms.signature(a)));
  }
  for (const std::uint32_t n : num_layers) REQUIRE(n <= max_layers);
}

}  // namespace gneiss
