// Small random tries of chains for tests of squash boundaries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "solver/chains/chain_partition.h"
#include "tests/make/owned_rates.h"

namespace gneiss {

// A problem that owns its arrays.
struct OwnedChains : RateArrays {
  std::vector<NodeIndex> parent;
  std::vector<std::uint32_t> depth;
  std::vector<std::uint32_t> item;
  std::vector<std::int64_t> item_size;
  std::vector<std::int64_t> size;
  std::vector<std::uint32_t> num_ends;
  std::vector<std::uint8_t> standalone;
  std::vector<std::uint8_t> held;
  std::vector<std::int64_t> held_pulls;
  std::vector<std::uint64_t> held_first_element;
  std::vector<std::uint32_t> held_elements;
  ChainPartitionProblem problem;

  void Link() {
    problem.parent = parent;
    problem.depth = depth;
    problem.item = item;
    problem.size = size;
    problem.num_ends = num_ends;
    LinkRates(problem);
    problem.standalone = standalone;
    problem.held = held;
    problem.held_pulls = held_pulls;
    problem.held_first_element = held_first_element;
    problem.held_elements = held_elements;
  }
};

inline int DrawBelow(std::mt19937& random, int below) {
  return static_cast<int>(random() % static_cast<unsigned>(below));
}

struct RandomChainsOptions {
  int max_nodes = 9;
  int num_items = 5;
  bool transfer = false;
  bool scoped = false;
  bool pools = false;
  bool held = false;
  bool standalone = false;
  std::uint32_t max_segments = 0;
};

inline OwnedChains RandomChains(std::mt19937& random, const RandomChainsOptions& options) {
  OwnedChains instance;
  const int n = 1 + DrawBelow(random, options.max_nodes);
  for (int i = 0; i < options.num_items; ++i) {
    instance.item_size.push_back(DrawBelow(random, 4) == 0 ? DrawBelow(random, 5)
                                                           : DrawBelow(random, 200));
  }
  // Preorder: the parent of a new node lies on the path to the node before it, or there is none.
  std::vector<NodeIndex> path;
  for (int v = 0; v < n; ++v) {
    std::uint32_t item = 0;
    for (int tries = 0;; ++tries) {
      std::vector<NodeIndex> cut(
          path.begin(), path.begin() + DrawBelow(random, static_cast<int>(path.size()) + 1));
      if (DrawBelow(random, 3) == 0) cut = path;
      item = static_cast<std::uint32_t>(DrawBelow(random, options.num_items));
      bool clash = false;
      const NodeIndex up = cut.empty() ? kNoNode : cut.back();
      for (std::size_t u = 0; u < instance.parent.size(); ++u) {
        clash |= instance.parent[u] == up && instance.item[u] == item;
      }
      if (clash && tries < 50) continue;
      if (clash) item = static_cast<std::uint32_t>(instance.item_size.size());
      if (clash) instance.item_size.push_back(DrawBelow(random, 100));
      path = cut;
      break;
    }
    instance.parent.push_back(path.empty() ? kNoNode : path.back());
    instance.depth.push_back(static_cast<std::uint32_t>(path.size() + 1));
    instance.item.push_back(item);
    path.push_back(static_cast<NodeIndex>(v));
  }
  std::vector<bool> has_child(static_cast<std::size_t>(n), false);
  for (const NodeIndex up : instance.parent) {
    if (up != kNoNode) has_child[up] = true;
  }
  const int num_elements = options.scoped || options.pools ? 4 : 0;
  for (int e = 0; e < num_elements; ++e) {
    const bool cell = options.scoped && (!options.pools || e < 2);
    instance.element_cells.push_back(cell ? 1 : 0);
    instance.element_nodes.push_back(cell ? 0 : 1 + DrawBelow(random, 5));
  }
  if (num_elements > 0) instance.first_element.push_back(0);
  for (std::size_t v = 0; v < instance.parent.size(); ++v) {
    const bool ends = !has_child[v] || DrawBelow(random, 3) == 0;
    instance.num_ends.push_back(ends ? 1U + static_cast<std::uint32_t>(DrawBelow(random, 2)) : 0U);
    instance.pulls.push_back(ends ? DrawBelow(random, 6) : 0);
    instance.size.push_back(instance.item_size[instance.item[v]]);
    instance.standalone.push_back(options.standalone && DrawBelow(random, 4) == 0 ? 1 : 0);
    if (num_elements == 0) continue;
    if (ends) {
      if (options.scoped)
        instance.elements.push_back(static_cast<std::uint32_t>(DrawBelow(random, 2)));
      for (int i = DrawBelow(random, 3); i > 0; --i) {
        instance.elements.push_back(static_cast<std::uint32_t>(DrawBelow(random, num_elements)));
      }
    }
    instance.first_element.push_back(instance.elements.size());
  }
  if (options.held) {
    instance.held_first_element.push_back(0);
    for (std::size_t i = 0; i < instance.item_size.size(); ++i) {
      instance.held.push_back(DrawBelow(random, 3) == 0 ? 1 : 0);
      instance.held_pulls.push_back(instance.held[i] != 0 ? DrawBelow(random, 6) : 0);
      if (instance.held[i] != 0 && num_elements > 0) {
        instance.held_elements.push_back(
            static_cast<std::uint32_t>(DrawBelow(random, num_elements)));
      }
      instance.held_first_element.push_back(instance.held_elements.size());
    }
  }
  ChainPartitionProblem& problem = instance.problem;
  problem.scoped = options.scoped;
  problem.storage_weight = DrawBelow(random, 4) == 0 ? 0.25 * DrawBelow(random, 8) : 1;
  problem.segment_overhead = DrawBelow(random, 60);
  if (options.transfer) {
    problem.fetch_weight = 0.1 * (1 + DrawBelow(random, 20));
    problem.fetch_cold = DrawBelow(random, 4) == 0;
    problem.fetch_nodes = options.pools ? 0 : 1 + DrawBelow(random, 6);
    problem.fetch_intensity = 0.05 * (1 + DrawBelow(random, 10));
    if (options.pools) problem.fetch_cold = false;
  }
  problem.max_segments = options.max_segments;
  instance.Link();
  return instance;
}

}  // namespace gneiss
