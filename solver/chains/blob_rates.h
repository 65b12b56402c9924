// What one blob costs a set of images: the rate of design.md 4 over sets that are subtrees of a
// trie, and over unions of such sets. Used by chain_partition; the mathematics is stated there.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "solver/chains/chain_partition.h"

namespace gneiss {

// Bytes times rate, rounded up to a whole unit, so that no split of the exact product exceeds it.
inline std::int64_t BlobCost(std::int64_t bytes, double rate) {
  const double exact = static_cast<double>(bytes) * rate;
  const auto whole = static_cast<std::int64_t>(exact);  // std::ceil is a call on plain x86-64
  return whole + (static_cast<double>(whole) < exact ? 1 : 0);
}

// Which images use an occurrence of a segment.
enum class Use : std::uint8_t {
  kNone,
  kBelow,  // all whose chain ends at or below its node: there is a boundary
  kEnds,   // only those whose chain ends at its node
};

// Prices of the two ways to use an occurrence, in units of rate.
struct OccurrenceRates {
  double below = 0;
  double ends = 0;
};

// Keeps views of the problem, which must outlive it.
class BlobRates {
 public:
  BlobRates(const ChainPartitionProblem& problem, const SharedSegments& shared);

  // Rates of the images below, and ending at, each node; 0 where there are none.
  double below(NodeIndex v) const { return below_rate_[v]; }
  double ends(NodeIndex v) const { return ends_rate_[v]; }
  std::int64_t pulls_below(NodeIndex v) const { return pulls_below_[v]; }
  // One past the last node of the subtree of v.
  NodeIndex subtree_end(NodeIndex v) const { return subtree_end_[v]; }

  // Cost that the used occurrences of a group, a segment of `bytes`, add to what images outside the
  // trie pay already. `use` is indexed by occurrence.
  std::int64_t GroupCost(std::uint32_t group, std::int64_t bytes, std::span<const Use> use);

  // Rate of the images outside the trie that hold the group's blob, 0 when there are none.
  double HeldRate(std::uint32_t group) const;

  // A split of the rate that a group adds: its users pay in full between them, the other
  // occurrences share what they would add. No set of uses pays more in sum than its own rate. With
  // no use at all it is the even split. rates[i] belongs to occurrences(group)[i].
  void SplitGroup(std::uint32_t group, std::span<const Use> use, std::span<OccurrenceRates> rates);

  // What each occurrence would add to the uses of all others; the prices of the improvement step.
  void MarginalGroup(std::uint32_t group, std::span<const Use> use,
                     std::span<OccurrenceRates> rates);

 private:
  // cells and nodes are sums over distinct elements; an unscoped set that is not empty has one
  // cell.
  double Rate(std::int64_t cells, std::int64_t nodes, std::int64_t pulls) const;
  double FetchRate(std::int64_t pulls) const;
  double ElementRate(std::uint32_t element) const;
  double ConstantRate(std::uint32_t group) const;
  bool has_elements() const { return !problem_.element_cells.empty(); }
  std::int64_t HeldPulls(std::uint32_t group) const;
  bool IsHeld(std::uint32_t group) const;
  // Elements of the images that use occurrence `o` in way `use`, repeats included.
  std::span<const std::uint32_t> ElementsOf(NodeIndex v, Use use) const;
  template <typename Visit>
  void VisitDistinct(NodeIndex v, Use use, const Visit& visit);
  void MarkHeldElements(std::uint32_t group);
  void SplitPulls(std::uint32_t group, std::span<const Use> use, std::span<OccurrenceRates> rates);
  void SplitElements(std::uint32_t group, std::span<const Use> use,
                     std::span<OccurrenceRates> rates);

  const ChainPartitionProblem& problem_;
  const SharedSegments& shared_;
  std::vector<NodeIndex> subtree_end_;
  std::vector<std::int64_t> pulls_below_;
  std::vector<double> below_rate_;
  std::vector<double> ends_rate_;
  // Scratch, one entry per element: a stamp of the last visit, and counters valid for a stamp.
  std::vector<std::uint64_t> visited_;
  std::vector<std::uint64_t> counted_;
  std::vector<std::uint32_t> count_;
  std::vector<std::uint8_t> in_first_block_;
  std::uint64_t stamp_ = 0;
};

}  // namespace gneiss
