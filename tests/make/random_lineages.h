// Small random fleets with lineages in them: releases of a base that one tag or a label names, with
// bases between, twins, repeated layers, scope cells and pools; for property tests of rebases.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "planner/cost/cost_model.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {

struct RandomLineages {
  std::vector<TinyImage> images;
  std::vector<std::string> names;  // of bases, which labels view
};

// REQUIRES: the result's names outlive what is built of its images.
inline RandomLineages MakeRandomLineages(std::mt19937_64& random) {
  const auto below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(random() % n); };
  RandomLineages made;
  made.names = {"os:1", "run/time:1"};
  const std::uint32_t num_releases = 2 + below(3);
  const bool has_pools = below(4) == 0;
  const auto add = [&](TinyImage image) {
    image.pulls = 1 + below(9);
    if (has_pools) {
      for (const char* pool : {"a", "b", "c"}) {
        const std::int64_t nodes = 1 + pool[0] - 'a';
        if (below(3) == 0 || pool[0] == 'a') image.pools.push_back({.name = pool, .nodes = nodes});
      }
    }
    image.manifest = "m" + std::to_string(made.images.size());
    made.images.push_back(std::move(image));
  };
  const auto size = [&] { return ":" + std::to_string(100'000 + below(900'000)); };
  const auto date = [&](std::uint32_t r) {
    return below(6) == 0 ? std::string() : "2024-0" + std::to_string(r + 1) + "-01T00:00:00Z";
  };
  // Releases of an operating system, some with a layer in common; and of a runtime on any of them.
  std::vector<std::vector<std::string>> bases[2];
  const std::string common = "common" + size();
  for (std::uint32_t r = 0; r < num_releases; ++r) {
    std::vector<std::string> layers;
    if (below(3) == 0) layers.push_back(common);
    layers.push_back("os" + std::to_string(r) + size() + "=o" + std::to_string(r));
    bases[0].push_back(layers);
    if (below(4) != 0) add({.ref = made.names[0], .layers = layers, .created = date(r)});
  }
  for (std::uint32_t r = 0; r < 1 + below(3); ++r) {
    std::vector<std::string> layers = bases[0][below(num_releases)];
    layers.push_back("run" + std::to_string(r) + size() + "=r" + std::to_string(r));
    if (below(3) == 0) layers.push_back(common);
    bases[1].push_back(layers);
    if (below(4) != 0) add({.ref = made.names[1], .layers = layers, .created = date(r)});
  }
  // The same release, compressed again.
  if (below(2) == 0) {
    std::vector<std::string> twin = bases[0].front();
    for (std::string& layer : twin) {
      if (layer.find('=') != std::string::npos) layer = "zstd" + layer;
    }
    bases[0].push_back(twin);
  }
  const std::uint32_t num_apps = 1 + below(6);
  for (std::uint32_t a = 0; a < num_apps; ++a) {
    const std::uint32_t kind = below(2);
    TinyImage app{.ref = "team" + std::to_string(below(2)) + "/app" + std::to_string(a) + ":1",
                  .layers = bases[kind][below(bases[kind].size())]};
    if (below(4) != 0) app.layers.push_back("app" + std::to_string(below(8)) + size());
    // Builders repeat layers.
    if (below(5) == 0) app.layers.push_back(app.layers.front());
    if (below(2) == 0) {
      app.labels = {{"org.opencontainers.image.base.name", made.names[kind]}};
    }
    add(std::move(app));
  }
  return made;
}

inline CostOptions RandomCosts(std::mt19937_64& random) {
  const auto below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(random() % n); };
  CostOptions cost;
  cost.layer_cost = 1000 * below(3);
  cost.images_per_node = below(3) == 0 ? 0 : 1 + below(20);
  cost.storage_weight = below(4) == 0 ? 0.5 : 1;
  cost.transfer_weight = below(4) == 0 ? 0 : 0.1 * (1 + below(20));
  if (below(3) == 0) cost.scope = below(2) == 0 ? Scope::kNamespace : Scope::kRepository;
  return cost;
}

}  // namespace gneiss
