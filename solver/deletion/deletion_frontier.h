// How much can be freed at how little loss: the whole lower convex frontier, exact.
//
// The set that is worth most at a price of loss grows as the price falls (Gallo, Grigoriadis,
// Tarjan 1989), so the frontier is a list of steps, each a set of items on top of those before.
// Found by divide and conquer on the price at which two sets are worth the same (Eisner, Severance
// 1976); what lies between them is a problem of its own, without the items of either side, and
// parts that share no blob are solved apart.
#pragma once

#include <cstdint>
#include <vector>

#include "solver/deletion/deletion_problem.h"

namespace gneiss {

// Items that go together. After steps 0 .. k the sums of `loss` and `freed` are a point of the
// frontier: no set frees more at that loss, and none frees as much at less.
struct DeletionStep {
  std::vector<std::uint32_t> ids;  // sorted
  std::int64_t loss = 0;
  std::int64_t freed = 0;  // > 0
};

// By falling freed / loss; of equals in the order of the items. Items without which as much is
// freed are in none. Time O(steps) flows, most of them small.
[[nodiscard]] std::vector<DeletionStep> DeletionFrontier(const DeletionProblem& problem);

}  // namespace gneiss
