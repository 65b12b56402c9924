// Local moves on a merge tree: an image or a subtree is regrafted where the layers that the tree
// then gets cost less.
#pragma once

#include <cstdint>
#include <functional>

#include "solver/carving/merge_tree.h"
#include "solver/rates/rates.h"

namespace gneiss {

struct RegraftOptions {
  std::uint32_t max_layers = 0;       // per image
  std::uint64_t max_tries = 0;        // 0: as many as suit the size of the tree
  std::function<bool()> should_stop;  // polled before each try; may be empty
  // What a tree may cost to be enough, as far as this one tells, whose layers cost `cost`. Asked
  // before the first try and then at each better tree that costs at most the last answer; one that
  // costs at most its own ends the search. May be empty.
  std::function<std::int64_t(const MergeTree& tree, std::int64_t cost)> enough_cost;
};

// Iterated local search: first improvement in the order of nodes, places with the most bytes in
// common first; from a local optimum on again from the best tree with a few regrafts at random.
// Ends when that has long found nothing, after max_tries, when should_stop says so, or at a tree
// that is enough. Returns the tries made. Same tree, same answer.
std::uint64_t RegraftSubtrees(MergeTree& tree, SetRates& rates, const RegraftOptions& options);

}  // namespace gneiss
