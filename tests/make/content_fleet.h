// Small fleets with the contents of their layers, for tests.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "tests/make/plain_overlay.h"
#include "tests/make/tiny_fleet.h"
#include "tests/make/tiny_inventory.h"

namespace gneiss {

struct ContentFleet {
  Fleet fleet;
  LayerContents contents;
};

// Images "app:100", "app:101" ... of layers that are known by their place in `layers`. Layers weigh
// what their entries do and `overhead` bytes; those in `not_known` have no contents.
inline ContentFleet MakeContentFleet(const std::vector<std::vector<TinyEntry>>& layers,
                                     const std::vector<std::vector<std::uint32_t>>& chains,
                                     const std::set<std::uint32_t>& not_known = {},
                                     const std::vector<Bytes>& overhead = {}) {
  std::vector<Inventory> inventories;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    inventories.push_back(MakeTinyInventory(layers[l], std::to_string(l)));
    inventories.back().overhead_bytes = overhead.empty() ? 0 : overhead[l];
    inventories.back().blob_size += inventories.back().overhead_bytes;
  }
  std::vector<TinyImage> images;
  for (std::size_t i = 0; i < chains.size(); ++i) {
    TinyImage image{.ref = "app:" + std::to_string(100 + i)};
    for (const std::uint32_t l : chains[i]) {
      image.layers.push_back(std::to_string(l) + ":" + std::to_string(inventories[l].blob_size));
    }
    images.push_back(image);
  }
  Fleet fleet = MakeTinyFleet(images);
  LayerContents contents(fleet.layers.size());
  for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
    for (std::uint32_t m = 0; m < layers.size(); ++m) {
      if (fleet.layers[l].digest != NamedDigest(std::to_string(m)) || not_known.contains(m)) {
        continue;
      }
      contents.Add(l, inventories[m]);
    }
  }
  return {std::move(fleet), std::move(contents)};
}

// Gives layers codecs and samples, and entries the weights that these say, in two of three calls.
inline void PriceAtRandom(LayerContents& contents, std::mt19937& random) {
  for (std::optional<Inventory>& inventory : contents.inventories) {
    if (!inventory) continue;
    inventory->codec = static_cast<LayerCodec>(random() % kNumLayerCodecs);
    if (random() % 3 == 0) continue;
    // Heavy beside the prior of SetNewCodec.
    const auto part = [&] { return static_cast<Bytes>(1'000'000 + random() % 1'000'000); };
    inventory->sampled = {.stored = part(), .gzip = part(), .zstd = part()};
  }
  const auto codec = static_cast<LayerCodec>(random() % kNumLayerCodecs);
  if (codec != LayerCodec::kTar) contents.SetNewCodec(codec);
}

// Five layers with hard links and weights of their own, in chains that grow out of each other and
// may have a layer twice; some with a layer that is not known.
inline ContentFleet RandomContentFleet(std::mt19937& random) {
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  std::vector<std::vector<TinyEntry>> layers(5);
  std::vector<Bytes> overhead;
  for (auto& entries : layers) {
    entries = RandomTinyLayer(random);
    if (below(3) == 0) entries.push_back(tiny::HardLink("a", "b"));
    if (below(3) == 0) entries.push_back(tiny::HardLink("c", "a"));
    for (TinyEntry& entry : entries) {
      entry.blob_bytes = static_cast<Bytes>(below(20));
      entry.mtime = below(4) == 0 ? 1 : 0;
    }
    overhead.push_back(static_cast<Bytes>(below(9)));
  }
  std::vector<std::vector<std::uint32_t>> chains(1 + below(5));
  for (std::size_t i = 0; i < chains.size(); ++i) {
    if (i > 0 && below(3) != 0) chains[i] = chains[below(static_cast<unsigned>(i))];
    for (unsigned more = below(4); more > 0; --more) chains[i].push_back(below(5));
    while (!chains[i].empty() && RemovesItsOwn(layers[chains[i].front()])) {
      chains[i].erase(chains[i].begin());
    }
  }
  std::set<std::uint32_t> not_known;
  if (below(4) == 0) not_known.insert(below(5));
  ContentFleet made = MakeContentFleet(layers, chains, not_known, overhead);
  PriceAtRandom(made.contents, random);
  return made;
}

}  // namespace gneiss
