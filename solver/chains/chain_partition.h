// Where to put squash boundaries on a trie of chains so that the fleet costs the least
// (design.md 5.1): exact dynamic program over (node, last boundary above it), with prices for blobs
// that occur at several places, so that the result carries a proven lower bound.
//
// The problem. The images S that hold a blob of w bytes pay, between them,
//     ceil(w * rate(S)) + segment_overhead * pulls(S)
//     rate(S)    = storage_weight * cells(S) + fetch_weight * fetches(S)
//     cells(S)   = 1, or the number of distinct scope cells that S touches
//     fetches(S) = fetch_nodes * (1 - exp(-fetch_intensity * pulls(S))), or pulls(S) when every
//     fetch is
//                  cold, plus the nodes of the distinct pools that S touches.
// rate is monotone and submodular, and that is all that the bound needs.
//
// The bound. The cost of a blob that can stand at several places is split into a price for each
// place, such that the prices of any set of places never exceed what the blob costs there (a point
// of the base polytope of its cost, Edmonds 1970). With such prices the DP's optimum is a lower
// bound. The split starts even and moves towards the places that the DP uses (Frank-Wolfe steps
// with a Polyak length), as long as there is a gap. Splits of splits stay valid: each is a convex
// combination of two-block splits, in which the blob's users pay in full and the others pay their
// marginal cost.
//
// The plan. The DP's answer, priced truly; then again with blobs free where they are kept
// elsewhere, until that stops to help. What gap is left is closed by branch and bound on the
// boundaries at the places of the blobs whose price is in doubt.
//
// Leaves out: what items and elements mean; time. Same problem, same answer.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "solver/chains/shared_segments.h"

namespace gneiss {

// Bytes of segments, for callers whose segments are not the sum of their layers (shadowed bytes).
class SegmentWeights {
 public:
  virtual ~SegmentWeights() = default;
  // Sets weights[a] to the bytes of the segment from depth a (exclusive) to v, for a = 0 ..
  // depth(v) - 1. Equal lists of items must have equal weights, and weights[a] >= weights[a + 1] is
  // not required.
  virtual void Fill(NodeIndex v, std::span<std::int64_t> weights) const = 0;
};

// Views; the caller keeps the arrays alive. Nodes in preorder.
struct ChainPartitionProblem {
  std::span<const NodeIndex> parent;        // kNoNode for a first layer
  std::span<const std::uint32_t> depth;     // 1 for a first layer
  std::span<const std::uint32_t> item;      // identity of the node's layer
  std::span<const std::int64_t> size;       // bytes of the node's layer, >= 0
  const SegmentWeights* weights = nullptr;  // null: sums of `size`

  std::span<const std::uint32_t> num_ends;  // images whose chain ends at the node
  std::span<const std::int64_t> pulls;      // of those images, >= 0
  // Elements (scope cells, node pools) touched by the images that end at a node:
  // elements[first_element[v] .. first_element[v + 1]). All empty when there are none.
  std::span<const std::uint64_t> first_element;
  std::span<const std::uint32_t> elements;
  std::span<const std::int64_t> element_cells;  // per element: 1 for a scope cell, else 0
  std::span<const std::int64_t> element_nodes;  // per element: nodes of a pool, else 0
  bool scoped = false;                          // cells(S) counts elements; otherwise it is 1

  // 1: the node's layer must stay a blob of its own. May be empty.
  std::span<const std::uint8_t> standalone;

  // Blobs held by images outside the trie (pinned ones): whoever else uses such a blob pays only
  // what it adds. Indexed by item; empty when there are none. Elements as above.
  std::span<const std::uint8_t> held;
  std::span<const std::int64_t> held_pulls;
  std::span<const std::uint64_t> held_first_element;
  std::span<const std::uint32_t> held_elements;

  double storage_weight = 1;
  double fetch_weight = 0;
  double fetch_nodes = 0;
  double fetch_intensity = 0;
  bool fetch_cold = false;
  std::int64_t segment_overhead = 0;  // per pull and segment
  std::uint32_t max_segments = 0;     // per image; 0: no limit
};

struct ChainPartitionOptions {
  double gap_tolerance = 0;                 // stop at a gap of this or less
  std::uint32_t max_iterations = 200;       // of the price loop, while the gap is open
  std::uint32_t max_polish_iterations = 4;  // of the price loop, once the gap is below tolerance
  std::uint32_t max_branches = 64;  // branch-and-bound nodes after it, with a short loop each
};

// Relative gap at which a plan is called optimal. Costs are whole units and the bound is safe
// against rounding; the gap itself is always reported. Below it no branching is done, and the price
// loop gets max_polish_iterations: what is left is worth less than the time.
inline constexpr double kOptimalityTolerance = 1e-6;

enum class PartitionStatus {
  kOptimal,         // the gap is at most kOptimalityTolerance
  kGapReached,      // gap <= gap_tolerance
  kIterationLimit,  // neither; both numbers still hold
  kInfeasible,      // standalone layers leave no room below max_segments
};

struct ChainPartition {
  // 1: a boundary after this node, for every image that goes through it. Images that end at a node
  // without one get a segment of their own from the last boundary above.
  std::vector<std::uint8_t> boundary;
  std::int64_t cost = 0;          // true cost of these boundaries, shared blobs once
  std::int64_t lower_bound = 0;   // no choice of boundaries costs less
  std::int64_t current_cost = 0;  // a boundary after every node: today's layout
  PartitionStatus status = PartitionStatus::kOptimal;
  std::uint32_t num_iterations = 0;  // solutions of the DP
  std::uint32_t num_branches = 0;
  std::uint32_t num_shared_groups = 0;
};

// REQUIRES: the shapes above; sizes, pulls and weights >= 0 and finite; costs below 2^61 in sum.
// Time O(sum of depths) an iteration, times max_segments in the trees where that limit binds.
// Space O(nodes) and one bit per state of the largest tree.
[[nodiscard]] ChainPartition PartitionChains(const ChainPartitionProblem& problem,
                                             const ChainPartitionOptions& options = {});

// Cost of given boundaries, by the definition above. REQUIRES: boundary.size() == nodes.
[[nodiscard]] std::int64_t EvaluatePartition(const ChainPartitionProblem& problem,
                                             std::span<const std::uint8_t> boundary);

}  // namespace gneiss
