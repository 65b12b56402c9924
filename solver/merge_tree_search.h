// Local moves on a merge tree: an image or a subtree is regrafted where the layers that the tree
// then gets cost less.
#pragma once

#include <cstdint>
#include <functional>

#include "solver/merge_tree.h"
#include "solver/set_rates.h"

namespace gneiss {

struct RegraftOptions {
  std::uint32_t max_layers = 0;       // per image
  std::uint64_t max_tries = 0;        // 0: as many as suit the size of the tree
  std::function<bool()> should_stop;  // polled before each try; may be empty
};

// Iterated local search: first improvement in the order of nodes, places with the most bytes in
// common first; from a local optimum on again from the best tree with a few regrafts at random.
// Ends when that has long found nothing, after max_tries, or when should_stop says so. Returns the
// tries made. Same tree, same answer.
std::uint64_t RegraftSubtrees(MergeTree& tree, SetRates& rates, const RegraftOptions& options);

}  // namespace gneiss
