// Which nodes of a merge tree become layers: exact, by the dynamic program of design.md 5.1 over
// (node, last chosen node above it), with the number of layers still free as a third index:
//
//     close(v, a, r) = ceil((C(v) - C(a)) * rate(v)) + layer_overhead * pulls(v)
//                      + sum over children c of best(c, v, r - 1)
//     pass(v, a, r)  = sum over children c of best(c, a, r)
//     best(v, a, r)  = min(close, pass); close alone for an image that a leaves something to get
//
// C(v): bytes common to all images below v, 0 for no node. What a node that is not chosen has in
// common is pushed down to its children.
//
// Bases: a cut of the tree into at most k groups, each on a base of its own, the layer with all
// that its images have in common; further layers above the base come from the same program. With
// max_layers = 2 that is a base and the rest for every image.
#pragma once

#include <cstdint>
#include <vector>

#include "solver/layer_carving.h"
#include "solver/merge_tree.h"
#include "solver/set_rates.h"

namespace gneiss {

struct TreeLayers {
  bool is_feasible = false;  // max_layers is 0, and there are atoms, when not
  std::int64_t cost = 0;
  std::vector<TreeNode> bases;   // of the groups of a cut, ascending; empty without a cut
  std::vector<TreeNode> chosen;  // nodes that become layers, ascending; all of them have bytes
};

class TreeLayerProgram {
 public:
  // `tree` must outlive the program and not change; so must `rates`' model. REQUIRES: rates are of
  // the tree's images; costs below 2^61 in sum. Time and space O(sum of depths * layers per image).
  TreeLayerProgram(const MergeTree& tree, SetRates& rates, std::uint32_t max_layers);

  // The cheapest choice; of equal ones that with fewer layers high up.
  TreeLayers Choose() const;
  std::int64_t cost() const { return Best(tree_.root(), 0, max_layers_); }

  // Cost of the cheapest cut into at most k groups for k = 1 .. num_images: falls with k. Time
  // O(num_images^2).
  std::vector<std::int64_t> Frontier();
  // The cut behind Frontier()[k - 1]. REQUIRES: 1 <= k <= num_images.
  TreeLayers Cut(std::uint32_t k);

 private:
  std::int64_t Best(TreeNode v, std::uint32_t above, std::uint32_t room) const;
  std::int64_t BestBelow(TreeNode v, std::uint32_t above, std::uint32_t room) const;
  std::int64_t LayerCost(TreeNode v, std::int64_t bytes_above) const;
  std::int64_t GroupCost(TreeNode v) const;
  void Solve(TreeNode v);
  void Take(TreeNode v, std::uint32_t above, std::uint32_t room, TreeLayers& layers) const;
  void TakeGroup(TreeNode v, TreeLayers& layers) const;
  void SolveCuts();
  void TakeCut(TreeNode v, std::uint32_t k, TreeLayers& layers) const;

  const MergeTree& tree_;
  std::uint32_t max_layers_;
  std::vector<double> rate_;                     // per node
  std::vector<std::int64_t> overhead_;           // per node
  std::vector<std::uint32_t> depth_;             // 1 for the root; 0 stands for no node above
  std::vector<std::vector<std::int64_t>> best_;  // per node: [above * (max_layers + 1) + room]
  std::vector<std::vector<std::int64_t>> bytes_above_;  // per node: C of each depth above it
  std::vector<std::vector<std::int64_t>> cuts_;         // per node: of exactly k groups, k from 1
};

// The layers that chosen nodes make, each with its images and atoms.
[[nodiscard]] std::vector<CarvedLayer> LayersOfTree(const MergeTree& tree,
                                                    const TreeLayers& layers);

}  // namespace gneiss
