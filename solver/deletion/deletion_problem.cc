#include "solver/deletion/deletion_problem.h"

#include <algorithm>
#include <numeric>

namespace gneiss {
namespace {

// The item that stands for the set of `i`; halves the way to it.
std::uint32_t FindSet(std::vector<std::uint32_t>& parent, std::uint32_t i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

}  // namespace

std::int64_t DeletionProblem::total_loss() const {
  return std::accumulate(loss.begin(), loss.end(), std::int64_t{0});
}

std::int64_t DeletionProblem::total_freed() const {
  return std::accumulate(weight.begin(), weight.end(),
                         std::accumulate(alone.begin(), alone.end(), std::int64_t{0}));
}

std::uint32_t DeletionProblem::AddItem(std::uint32_t id, std::int64_t item_loss) {
  ids.push_back(id);
  loss.push_back(item_loss);
  alone.push_back(0);
  return num_items() - 1;
}

void DeletionProblem::AddBlob(std::uint32_t id, std::int64_t blob_weight,
                              std::span<const std::uint32_t> blob_holders) {
  if (blob_weight == 0) return;
  if (blob_holders.size() == 1) {
    alone[blob_holders.front()] += blob_weight;
    return;
  }
  blob_ids.push_back(id);
  weight.push_back(blob_weight);
  holders.insert(holders.end(), blob_holders.begin(), blob_holders.end());
  first_holder.push_back(static_cast<std::uint32_t>(holders.size()));
}

std::vector<DeletionProblem> SplitDeletions(const DeletionProblem& problem,
                                            std::span<const std::uint32_t> part,
                                            std::uint32_t num_parts) {
  std::vector<DeletionProblem> parts(num_parts);
  std::vector<std::uint32_t> number(problem.num_items());
  for (std::uint32_t i = 0; i < problem.num_items(); ++i) {
    DeletionProblem& to = parts[part[i]];
    number[i] = to.AddItem(problem.ids[i], problem.loss[i]);
    to.alone.back() = problem.alone[i];
  }
  std::vector<std::uint32_t> left;
  for (std::uint32_t b = 0; b < problem.num_blobs(); ++b) {
    const auto holders = problem.holders_of(b);
    std::uint32_t last = 0;
    for (const std::uint32_t i : holders) last = std::max(last, part[i]);
    left.clear();
    for (const std::uint32_t i : holders) {
      if (part[i] == last) left.push_back(number[i]);
    }
    parts[last].AddBlob(problem.blob_ids[b], problem.weight[b], left);
  }
  return parts;
}

std::vector<DeletionProblem> SplitApart(const DeletionProblem& problem) {
  const std::uint32_t n = problem.num_items();
  std::vector<std::uint32_t> parent(n);
  std::iota(parent.begin(), parent.end(), 0U);
  for (std::uint32_t b = 0; b < problem.num_blobs(); ++b) {
    const auto holders = problem.holders_of(b);
    for (const std::uint32_t i : holders) {
      parent[FindSet(parent, i)] = FindSet(parent, holders.front());
    }
  }
  constexpr std::uint32_t kNoPart = 0xffffffffU;
  std::vector<std::uint32_t> part_of_root(n, kNoPart);
  std::vector<std::uint32_t> part(n);
  std::uint32_t num_parts = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    std::uint32_t& of_root = part_of_root[FindSet(parent, i)];
    if (of_root == kNoPart) of_root = num_parts++;
    part[i] = of_root;
  }
  if (num_parts == 1) return {problem};
  return SplitDeletions(problem, part, num_parts);
}

DeletionProblem JoinEqualBlobs(const DeletionProblem& problem) {
  DeletionProblem joined;
  joined.ids = problem.ids;
  joined.loss = problem.loss;
  joined.alone = problem.alone;
  std::vector<std::vector<std::uint32_t>> sorted(problem.num_blobs());
  std::vector<std::uint32_t> order(problem.num_blobs());
  std::iota(order.begin(), order.end(), 0U);
  for (const std::uint32_t b : order) {
    const auto holders = problem.holders_of(b);
    sorted[b].assign(holders.begin(), holders.end());
    std::ranges::sort(sorted[b]);
  }
  std::ranges::stable_sort(order,
                           [&](std::uint32_t a, std::uint32_t b) { return sorted[a] < sorted[b]; });
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first;
    std::int64_t weight = 0;
    for (; end < order.size() && sorted[order[end]] == sorted[order[first]]; ++end) {
      weight += problem.weight[order[end]];
    }
    joined.AddBlob(problem.blob_ids[order[first]], weight, sorted[order[first]]);
    first = end;
  }
  return joined;
}

}  // namespace gneiss
