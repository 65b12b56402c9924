// Equal segments at several places of a trie. A segment that ends at node v and is k layers long is
// the list of the items of v and its k - 1 nearest ancestors; squashing equal lists gives one blob,
// so their prices belong together (design.md 5.1).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gneiss {

using NodeIndex = std::uint32_t;
inline constexpr NodeIndex kNoNode = 0xffffffffU;

// All (node, length) pairs whose segment occurs more than once, as occurrences in groups. If the
// segment of length k at v is shared, so is every shorter one that ends at v; so the occurrences of
// v are the lengths 1 .. num_lengths(v), in that order.
struct SharedSegments {
  std::vector<std::uint32_t> first_occurrence;  // per node, and one past the end
  std::vector<std::uint32_t> group;             // per occurrence
  std::vector<NodeIndex> node;                  // per occurrence
  std::vector<std::uint32_t> first_of_group;    // per group, and one past the end: into `members`
  std::vector<std::uint32_t> members;           // occurrences by group, in node order

  std::uint32_t num_lengths(NodeIndex v) const {
    return first_occurrence[v + 1] - first_occurrence[v];
  }
  std::uint32_t num_groups() const { return static_cast<std::uint32_t>(first_of_group.size()) - 1; }
  std::span<const std::uint32_t> occurrences(std::uint32_t g) const {
    return {members.data() + first_of_group[g], first_of_group[g + 1] - first_of_group[g]};
  }
  // Length of the segment of an occurrence, in layers.
  std::uint32_t length(std::uint32_t occurrence) const {
    return occurrence - first_occurrence[node[occurrence]] + 1;
  }
};

// REQUIRES: nodes in preorder, parent[v] < v or kNoNode; no two children of a node have one item.
// A single layer whose item is marked in `always_shared` (may be empty) gets an occurrence even
// where it stands alone: its blob is held by something outside the trie. Time O(occurrences * log)
// and space O(nodes + occurrences). Throws std::length_error past 2^32 - 2 occurrences.
[[nodiscard]] SharedSegments FindSharedSegments(std::span<const NodeIndex> parent,
                                                std::span<const std::uint32_t> item,
                                                std::span<const std::uint8_t> always_shared);

}  // namespace gneiss
