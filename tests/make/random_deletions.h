// Small random deletion problems, and their answers by trying every subset.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "solver/deletion/deletion_problem.h"

namespace gneiss {

// Items of losses from 0 on, blobs of no weight and of equal holders among the others.
inline DeletionProblem MakeRandomDeletions(std::mt19937_64& random, std::uint32_t max_items,
                                           std::int64_t max_loss = 4,
                                           std::int64_t max_weight = 30) {
  DeletionProblem problem;
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  const auto n = static_cast<std::uint32_t>(1 + below(max_items));
  const bool one_each = below(2) == 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    problem.AddItem(100 + i, one_each ? 1 : below(max_loss + 1));
  }
  const auto num_blobs = static_cast<std::uint32_t>(1 + below(3 * n));
  const std::int64_t spread = 1 + below(4);
  for (std::uint32_t b = 0; b < num_blobs; ++b) {
    std::vector<std::uint32_t> holders;
    for (std::uint32_t i = 0; i < n; ++i) {
      if (below(n) < spread) holders.push_back(i);
    }
    if (holders.empty()) holders.push_back(static_cast<std::uint32_t>(below(n)));
    std::ranges::shuffle(holders, random);
    problem.AddBlob(b, below(5) == 0 ? 0 : below(max_weight), holders);
  }
  return problem;
}

struct SubsetSums {
  std::int64_t loss = 0;
  std::int64_t freed = 0;
};

// Of the items whose bit is set.
inline SubsetSums SumsOf(const DeletionProblem& problem, std::uint64_t subset) {
  SubsetSums sums;
  for (std::uint32_t i = 0; i < problem.num_items(); ++i) {
    if ((subset >> i & 1) == 0) continue;
    sums.loss += problem.loss[i];
    sums.freed += problem.alone[i];
  }
  for (std::uint32_t b = 0; b < problem.num_blobs(); ++b) {
    bool all = true;
    for (const std::uint32_t i : problem.holders_of(b)) all = all && (subset >> i & 1) != 0;
    if (all) sums.freed += problem.weight[b];
  }
  return sums;
}

// The subset of the items with these ids.
inline std::uint64_t SubsetOf(const DeletionProblem& problem,
                              const std::vector<std::uint32_t>& ids) {
  std::uint64_t subset = 0;
  for (std::uint32_t i = 0; i < problem.num_items(); ++i) {
    if (std::ranges::find(ids, problem.ids[i]) != ids.end()) subset |= std::uint64_t{1} << i;
  }
  return subset;
}

inline std::vector<SubsetSums> AllSubsets(const DeletionProblem& problem) {
  std::vector<SubsetSums> all;
  for (std::uint64_t s = 0; s < std::uint64_t{1} << problem.num_items(); ++s) {
    all.push_back(SumsOf(problem, s));
  }
  return all;
}

}  // namespace gneiss
