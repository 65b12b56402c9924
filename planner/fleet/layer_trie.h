// The forest of all chains (design.md 1): an edge is a layer, a node a chain prefix. Nodes stand in
// preorder, so a subtree is a range of nodes and its images are a range of chain_order.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "planner/fleet/fleet.h"
#include "solver/chains/shared_segments.h"

namespace gneiss {

struct LayerTrie {
  // Per node. Children of one node are ordered by layer index.
  std::vector<NodeIndex> parent;  // kNoNode for a first layer
  std::vector<LayerIndex> layer;
  std::vector<std::uint32_t> depth;        // 1 for a first layer
  std::vector<NodeIndex> subtree_end;      // one past the last node of the subtree
  std::vector<std::uint32_t> first_image;  // images below: chain_order[first_image .. end_image)
  std::vector<std::uint32_t> end_image;
  std::vector<std::uint32_t> num_ends;  // the first so many of them end here

  std::vector<ImageIndex> chain_order;  // images sorted by chain; those without layers first
  std::uint32_t num_without_layers = 0;
  std::vector<NodeIndex> node_of_image;  // where its chain ends, kNoNode without layers or left out

  std::size_t size() const { return parent.size(); }
  std::span<const ImageIndex> images_below(NodeIndex v) const {
    return {chain_order.data() + first_image[v], end_image[v] - first_image[v]};
  }
  std::span<const ImageIndex> images_ending(NodeIndex v) const {
    return {chain_order.data() + first_image[v], num_ends[v]};
  }
  // Sum of all depths: the states of a squash plan.
  std::uint64_t sum_of_depths() const;
};

// Trie of the images that `include` accepts (all when it is empty).
// Time O(references + images log images), space O(nodes + images).
[[nodiscard]] LayerTrie BuildLayerTrie(const Fleet& fleet,
                                       const std::function<bool(ImageIndex)>& include = {});

// chain_id of every node (OCI image spec, config.md#layer-chainid); an all-zero digest where a
// diff_id above is not known.
[[nodiscard]] std::vector<Digest> ChainIds(const Fleet& fleet, const LayerTrie& trie);

}  // namespace gneiss
