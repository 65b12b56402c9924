// Which nodes of a merge tree become layers: exact, by the dynamic program of design.md 5.1 over
// (node, last chosen node above it), with the number of layers still free as a third index:
//
//     close(v, a, r) = ceil((C(v) - C(a)) * rate(v)) + layer_overhead * pulls(v)
//                      + base_cost, for a node of several images
//                      + sum over children c of best(c, v, r - 1)
//     pass(v, a, r)  = sum over children c of best(c, a, r)
//     best(v, a, r)  = min(close, pass); close alone for an image that a leaves something to get
//
// Without r in a tree that is no higher than the limit, which has room for every node.
//
// C(v): bytes common to all images below v, 0 for no node. What a node that is not chosen has in
// common is pushed down to its children.
#pragma once

#include <cstdint>
#include <vector>

#include "solver/layer_carving.h"
#include "solver/merge_tree.h"
#include "solver/set_rates.h"

namespace gneiss {

struct TreeLayers {
  bool is_feasible = false;      // max_layers is 0, and there are atoms, when not
  std::int64_t cost = 0;         // with base_cost
  std::vector<TreeNode> chosen;  // nodes that become layers, ascending; all of them have bytes
};

class TreeLayerProgram {
 public:
  // `tree` must outlive the program and not change; so must `rates`' model. REQUIRES: rates are of
  // the tree's images; costs below 2^61 in sum. Time and space O(sum of depths * layers per
  // image), without the factor in a tree no higher than max_layers.
  TreeLayerProgram(const MergeTree& tree, SetRates& rates, std::uint32_t max_layers,
                   std::int64_t base_cost = 0);

  // The cheapest choice; of equal ones that with fewer layers high up.
  TreeLayers Choose() const;
  std::int64_t cost() const { return Best(tree_.root(), 0, num_rooms_ - 1); }

 private:
  std::int64_t Best(TreeNode v, std::uint32_t above, std::uint32_t room) const;
  std::int64_t BestBelow(TreeNode v, std::uint32_t above, std::uint32_t room) const;
  std::int64_t LayerCost(TreeNode v, std::int64_t bytes_above) const;
  void Solve(TreeNode v);
  void Take(TreeNode v, std::uint32_t above, std::uint32_t room, TreeLayers& layers) const;

  const MergeTree& tree_;
  bool is_limited_ = false;
  std::uint32_t num_rooms_ = 1;  // values of r, 0 to the limit; 1 without a limit
  std::int64_t base_cost_;
  std::vector<double> rate_;                     // per node
  std::vector<std::int64_t> overhead_;           // per node
  std::vector<std::uint32_t> depth_;             // 1 for the root; 0 stands for no node above
  std::vector<std::vector<std::int64_t>> best_;  // per node: [above * (max_layers + 1) + room]
  std::vector<std::vector<std::int64_t>> bytes_above_;  // per node: C of each depth above it
};

// The layers that chosen nodes make, each with its images and atoms.
[[nodiscard]] std::vector<CarvedLayer> LayersOfTree(const MergeTree& tree,
                                                    const TreeLayers& layers);

}  // namespace gneiss
