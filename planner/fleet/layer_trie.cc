#include "planner/fleet/layer_trie.h"

#include <algorithm>

namespace gneiss {
namespace {

// Sort key of an image: its first layers packed, so that most comparisons touch no chain.
struct ChainKey {
  std::uint64_t first_two;
  ImageIndex image;
};

// Layer indices + 1, so that a chain that ends sorts before its extensions.
std::uint64_t PackFirstTwo(std::span<const LayerIndex> chain) {
  const std::uint64_t first = chain.empty() ? 0 : std::uint64_t{chain[0]} + 1;
  const std::uint64_t second = chain.size() < 2 ? 0 : std::uint64_t{chain[1]} + 1;
  return first << 32 | second;
}

}  // namespace

std::uint64_t LayerTrie::sum_of_depths() const {
  std::uint64_t sum = 0;
  for (const std::uint32_t d : depth) sum += d;
  return sum;
}

LayerTrie BuildLayerTrie(const Fleet& fleet, const std::function<bool(ImageIndex)>& include) {
  LayerTrie trie;
  std::vector<ChainKey> keys;
  keys.reserve(fleet.images.size());
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    if (include && !include(i)) continue;
    keys.push_back({PackFirstTwo(fleet.chain(fleet.images[i])), i});
  }
  std::ranges::sort(keys, [&](const ChainKey& a, const ChainKey& b) {
    if (a.first_two != b.first_two) return a.first_two < b.first_two;
    const auto chain_a = fleet.chain(fleet.images[a.image]);
    const auto chain_b = fleet.chain(fleet.images[b.image]);
    const auto c = std::lexicographical_compare_three_way(chain_a.begin(), chain_a.end(),
                                                          chain_b.begin(), chain_b.end());
    return c != 0 ? c < 0 : a.image < b.image;
  });

  trie.node_of_image.assign(fleet.images.size(), kNoNode);
  trie.chain_order.reserve(keys.size());
  std::vector<NodeIndex> path;  // nodes of the previous chain
  for (const ChainKey& key : keys) {
    const auto chain = fleet.chain(fleet.images[key.image]);
    const auto position = static_cast<std::uint32_t>(trie.chain_order.size());
    trie.chain_order.push_back(key.image);
    if (chain.empty()) {
      ++trie.num_without_layers;
      continue;
    }
    std::size_t common = 0;
    while (common < path.size() && common < chain.size() &&
           trie.layer[path[common]] == chain[common]) {
      ++common;
    }
    path.resize(common);
    for (std::size_t d = common; d < chain.size(); ++d) {
      const auto v = static_cast<NodeIndex>(trie.size());
      trie.parent.push_back(path.empty() ? kNoNode : path.back());
      trie.layer.push_back(chain[d]);
      trie.depth.push_back(static_cast<std::uint32_t>(d + 1));
      trie.first_image.push_back(position);
      trie.end_image.push_back(position);
      trie.num_ends.push_back(0);
      path.push_back(v);
    }
    ++trie.num_ends[path.back()];
    trie.end_image[path.back()] = position + 1;
    trie.node_of_image[key.image] = path.back();
  }

  trie.subtree_end.resize(trie.size());
  for (NodeIndex v = 0; v < trie.size(); ++v) trie.subtree_end[v] = v + 1;
  for (auto v = static_cast<NodeIndex>(trie.size()); v-- > 0;) {
    const NodeIndex up = trie.parent[v];
    if (up == kNoNode) continue;
    trie.subtree_end[up] = std::max(trie.subtree_end[up], trie.subtree_end[v]);
    trie.end_image[up] = std::max(trie.end_image[up], trie.end_image[v]);
  }
  return trie;
}

std::vector<Digest> ChainIds(const Fleet& fleet, const LayerTrie& trie) {
  std::vector<Digest> ids(trie.size());
  const Digest unknown;
  for (NodeIndex v = 0; v < trie.size(); ++v) {
    const std::uint32_t diff_id = fleet.layers[trie.layer[v]].diff_id;
    if (diff_id == kNone) continue;
    const NodeIndex up = trie.parent[v];
    if (up == kNoNode) {
      ids[v] = fleet.diff_ids[diff_id];
    } else if (ids[up] != unknown) {
      ids[v] = Sha256(FormatDigest(ids[up]) + " " + FormatDigest(fleet.diff_ids[diff_id]));
    }
  }
  return ids;
}

}  // namespace gneiss
