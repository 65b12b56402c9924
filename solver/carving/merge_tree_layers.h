// Which nodes of a merge tree become layers: exact, by the dynamic program of design.md 5.1 over
// (node, last chosen node above it), with the number of layers still free as a third index:
//
//     close(v, a, r) = ceil((C(v) - C(a)) * rate(v)) + layer_overhead * pulls(v)
//                      + base_cost, for a node of several images
//                      + sum over children c of best(c, v, r - 1)
//     pass(v, a, r)  = sum over children c of best(c, a, r)
//     best(v, a, r)  = min(close, pass); close alone for an image that a leaves something to get
//
// C(v): bytes common to all images below v, 0 for no node. What a node that is not chosen has in
// common is pushed down to its children. A node with as many bytes in common as its parent has
// nothing to add to it: nodes above with the same C are one state, however high the tree is.
//
// Without r where no path has more values of C than layers fit: there is room for all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "solver/carving/layer_carving.h"
#include "solver/carving/merge_tree.h"
#include "solver/rates/rates.h"

namespace gneiss {

struct TreeLayers {
  bool is_feasible = false;      // max_layers is 0, and there are atoms, when not
  std::int64_t cost = 0;         // with base_cost
  std::vector<TreeNode> chosen;  // nodes that become layers, ascending; all of them have bytes
};

class TreeLayerProgram {
 public:
  // `tree` must outlive the program and not change; so must `rates`' model. REQUIRES: rates are of
  // the tree's images; costs below 2^61 in sum. Time and space O(sum over nodes of the values of C
  // above * layers per image), without the factor where no path has more than max_layers values.
  TreeLayerProgram(const MergeTree& tree, SetRates& rates, std::uint32_t max_layers,
                   std::int64_t base_cost = 0);

  // The cheapest choice; of equal ones that with fewer layers high up.
  TreeLayers Choose() const;
  // What its time and space grow with.
  std::size_t num_states() const;
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
  std::vector<double> rate_;                            // per node
  std::vector<std::int64_t> overhead_;                  // per node
  std::vector<std::vector<std::int64_t>> bytes_above_;  // per node: values of C above it, from 0
  std::vector<std::uint32_t> level_;  // per node: where the nodes below it have its C among those
  std::vector<std::vector<std::int64_t>> best_;  // per node: [above * (max_layers + 1) + room]
};

// The layers that chosen nodes make, each with its images and atoms.
[[nodiscard]] std::vector<CarvedLayer> LayersOfTree(const MergeTree& tree,
                                                    const TreeLayers& layers);

// How much a fleet costs with few common bases: the choice of layers from a merge tree
// (merge_tree_layers.h), where each node of several images that becomes a layer is a base that
// somebody has to build and keep.
//
// Every base is charged a price on top of what it costs; the cheapest choice at a price is exact.
// Prices from none to more than a base can save give the corners of the lower convex hull of
// (number of bases, cost), each the least that so many bases of this tree cost. Numbers between two
// corners are left out: they cost at least what the line between the corners does.

struct BasesChoice {
  std::uint32_t num_bases = 0;
  std::int64_t cost = 0;  // without the price
  TreeLayers layers;
};

// Corners by number of bases, rising; costs fall. Empty where no choice has at most max_layers
// layers an image. Time O(corners) programs. `should_stop` is polled between them and may be empty:
// what is found by then are corners too.
[[nodiscard]] std::vector<BasesChoice> BaseFrontier(const MergeTree& tree, SetRates& rates,
                                                    std::uint32_t max_layers,
                                                    const std::function<bool()>& should_stop = {});

}  // namespace gneiss
