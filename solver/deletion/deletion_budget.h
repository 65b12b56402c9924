// The least loss at which a given amount is freed: a knapsack over closures, NP-hard, so branch and
// bound. The bound of a branch is the frontier of what it leaves open (deletion_frontier.h), at the
// amount wanted: the Lagrangian bound at its best multiplier. Branches are on blobs, one by
// one: freed, so that all its holders go, or not counted; then on items that go or stay. Best bound
// first.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "solver/deletion/deletion_problem.h"

namespace gneiss {

enum class DeletionStatus : std::uint8_t {
  kOptimal,
  kStopped,     // by should_stop
  kNodeLimit,   // max_nodes
  kInfeasible,  // all together free less than wanted
};

struct DeletionOptions {
  std::int64_t max_nodes = 10'000;
  std::function<bool()> should_stop = {};  // polled at each node; may be empty
};

struct DeletionChoice {
  DeletionStatus status = DeletionStatus::kInfeasible;
  std::vector<std::uint32_t> ids;  // sorted; none is needless
  std::int64_t loss = 0;
  std::int64_t freed = 0;        // wanted or more
  std::int64_t lower_bound = 0;  // no set that frees what is wanted has less loss
  std::int64_t num_nodes = 0;
};

// REQUIRES: wanted >= 0. A node takes O(log steps) flows over the problem, then over ever smaller
// parts of it.
[[nodiscard]] DeletionChoice ChooseDeletions(const DeletionProblem& problem, std::int64_t wanted,
                                             const DeletionOptions& options = {});

}  // namespace gneiss
