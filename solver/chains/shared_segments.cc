#include "solver/chains/shared_segments.h"

#include <algorithm>
#include <stdexcept>

namespace gneiss {
namespace {

// A node whose segment of the present length is still shared.
struct Candidate {
  std::uint32_t shorter;  // group of its segment that is one layer shorter
  std::uint32_t item;     // of the layer that the present length adds at the front
  NodeIndex node;
  NodeIndex front;  // the node of that layer

  friend bool operator<(const Candidate& a, const Candidate& b) {
    if (a.shorter != b.shorter) return a.shorter < b.shorter;
    if (a.item != b.item) return a.item < b.item;
    return a.node < b.node;
  }
  bool SameSegment(const Candidate& other) const {
    return shorter == other.shorter && item == other.item;
  }
};

struct Found {
  NodeIndex node;
  std::uint32_t group;
};

}  // namespace

SharedSegments FindSharedSegments(std::span<const NodeIndex> parent,
                                  std::span<const std::uint32_t> item,
                                  std::span<const std::uint8_t> always_shared) {
  const std::size_t num_nodes = parent.size();
  std::vector<Candidate> candidates;
  {
    // Length 1: only items that occur twice are worth sorting.
    std::uint32_t num_items = 0;
    for (const std::uint32_t i : item) num_items = std::max(num_items, i + 1);
    std::vector<std::uint8_t> count(num_items, 0);
    for (const std::uint32_t i : item)
      count[i] = static_cast<std::uint8_t>(std::min(2, count[i] + 1));
    for (NodeIndex v = 0; v < num_nodes; ++v) {
      const bool marked = !always_shared.empty() && always_shared[item[v]] != 0;
      if (count[item[v]] > 1 || marked) candidates.push_back({0, item[v], v, v});
    }
  }

  SharedSegments result;
  std::vector<Found> found;  // length by length
  std::vector<std::uint32_t> num_lengths(num_nodes + 1, 0);
  std::uint32_t num_groups = 0;
  for (bool first_length = true; !candidates.empty(); first_length = false) {
    std::sort(candidates.begin(), candidates.end());
    std::vector<Candidate> longer;
    for (std::size_t begin = 0; begin < candidates.size();) {
      std::size_t end = begin + 1;
      while (end < candidates.size() && candidates[end].SameSegment(candidates[begin])) ++end;
      if (end - begin > 1 || first_length) {
        for (std::size_t i = begin; i < end; ++i) {
          found.push_back({candidates[i].node, num_groups});
          ++num_lengths[candidates[i].node];
          const NodeIndex front = parent[candidates[i].front];
          if (end - begin > 1 && front != kNoNode) {
            longer.push_back({num_groups, item[front], candidates[i].node, front});
          }
        }
        ++num_groups;
      }
      begin = end;
    }
    if (found.size() >= 0xfffffffeU) throw std::length_error("more than 2^32 shared segments");
    candidates = std::move(longer);
  }

  result.first_occurrence.assign(num_nodes + 1, 0);
  for (std::size_t v = 0; v < num_nodes; ++v) {
    result.first_occurrence[v + 1] = result.first_occurrence[v] + num_lengths[v];
  }
  result.group.resize(found.size());
  result.node.resize(found.size());
  std::fill(num_lengths.begin(), num_lengths.end(), 0U);
  result.first_of_group.assign(num_groups + 1, 0);
  result.members.resize(found.size());
  // `found` is ordered by length, then group, then node: members come out grouped as they stand.
  for (std::size_t i = 0; i < found.size(); ++i) {
    const NodeIndex v = found[i].node;
    const std::uint32_t occurrence = result.first_occurrence[v] + num_lengths[v]++;
    result.group[occurrence] = found[i].group;
    result.node[occurrence] = v;
    result.members[i] = occurrence;
    result.first_of_group[found[i].group + 1] = static_cast<std::uint32_t>(i + 1);
  }
  return result;
}

}  // namespace gneiss
