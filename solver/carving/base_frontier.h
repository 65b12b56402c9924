// How much a fleet costs with few common bases: the choice of layers from a merge tree
// (merge_tree_layers.h), where each node of several images that becomes a layer is a base that
// somebody has to build and keep.
//
// Every base is charged a price on top of what it costs; the cheapest choice at a price is exact.
// Prices from none to more than a base can save give the corners of the lower convex hull of
// (number of bases, cost), each the least that so many bases of this tree cost. Numbers between two
// corners are left out: they cost at least what the line between the corners does.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "solver/carving/merge_tree_layers.h"

namespace gneiss {

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
