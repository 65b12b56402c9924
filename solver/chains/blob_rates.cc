#include "solver/chains/blob_rates.h"

#include <algorithm>

namespace gneiss {
namespace {

// Climbs from two nodes of a preorder trie to their lowest common ancestor, kNoNode if there is
// none.
NodeIndex CommonAncestor(std::span<const NodeIndex> parent, NodeIndex a, NodeIndex b) {
  while (a != b) {
    if (a == kNoNode || b == kNoNode) return kNoNode;
    // In preorder a parent has the smaller index, so the larger of two is never above the other.
    (a > b ? a : b) = parent[a > b ? a : b];
  }
  return a;
}

}  // namespace

BlobRates::BlobRates(const ChainPartitionProblem& problem, const SharedSegments& shared)
    : problem_(problem), shared_(shared) {
  const std::size_t n = problem.parent.size();
  subtree_end_.resize(n);
  pulls_below_.assign(problem.pulls.begin(), problem.pulls.end());
  below_rate_.assign(n, 0.0);
  ends_rate_.assign(n, 0.0);

  std::vector<std::int64_t> cells(has_elements() ? n : 0, 0);
  std::vector<std::int64_t> nodes(has_elements() ? n : 0, 0);
  if (has_elements()) {
    // Count an element once per subtree: add it at every node where it ends, and take it away
    // where two neighbouring ones first meet.
    std::vector<NodeIndex> last(problem.element_cells.size(), kNoNode);
    for (NodeIndex v = 0; v < n; ++v) {
      std::int64_t end_cells = problem.scoped ? 0 : 1;
      std::int64_t end_nodes = 0;
      VisitDistinct(v, Use::kEnds, [&](std::uint32_t e) {
        end_cells += problem.element_cells[e];
        end_nodes += problem.element_nodes[e];
        cells[v] += problem.element_cells[e];
        nodes[v] += problem.element_nodes[e];
        const NodeIndex meet =
            last[e] == kNoNode ? kNoNode : CommonAncestor(problem.parent, last[e], v);
        if (meet != kNoNode) {
          cells[meet] -= problem.element_cells[e];
          nodes[meet] -= problem.element_nodes[e];
        }
        last[e] = v;
      });
      if (problem.num_ends[v] > 0) ends_rate_[v] = Rate(end_cells, end_nodes, problem.pulls[v]);
    }
  } else {
    for (NodeIndex v = 0; v < n; ++v) {
      if (problem.num_ends[v] > 0) ends_rate_[v] = Rate(1, 0, problem.pulls[v]);
    }
  }
  for (NodeIndex v = 0; v < n; ++v) subtree_end_[v] = v + 1;
  for (NodeIndex v = static_cast<NodeIndex>(n); v-- > 0;) {
    const NodeIndex up = problem.parent[v];
    const bool scoped = problem.scoped;
    below_rate_[v] = has_elements() ? Rate(scoped ? cells[v] : 1, nodes[v], pulls_below_[v])
                                    : Rate(1, 0, pulls_below_[v]);
    if (up == kNoNode) continue;
    subtree_end_[up] = std::max(subtree_end_[up], subtree_end_[v]);
    pulls_below_[up] += pulls_below_[v];
    if (!has_elements()) continue;
    cells[up] += cells[v];
    nodes[up] += nodes[v];
  }
}

double BlobRates::Rate(std::int64_t cells, std::int64_t nodes, std::int64_t pulls) const {
  return problem_.storage_weight * static_cast<double>(cells) +
         problem_.fetch_weight * static_cast<double>(nodes) + FetchRate(pulls);
}

double BlobRates::FetchRate(std::int64_t pulls) const {
  if (problem_.fetch_weight == 0) return 0;
  const double p = static_cast<double>(pulls);
  if (problem_.fetch_cold) return problem_.fetch_weight * p;
  return problem_.fetch_weight *
         (problem_.fetch_nodes * -std::expm1(-problem_.fetch_intensity * p));
}

double BlobRates::ElementRate(std::uint32_t element) const {
  return problem_.storage_weight * static_cast<double>(problem_.element_cells[element]) +
         problem_.fetch_weight * static_cast<double>(problem_.element_nodes[element]);
}

bool BlobRates::IsHeld(std::uint32_t group) const {
  if (problem_.held.empty()) return false;
  const std::uint32_t occurrence = shared_.occurrences(group).front();
  return shared_.length(occurrence) == 1 &&
         problem_.held[problem_.item[shared_.node[occurrence]]] != 0;
}

double BlobRates::ConstantRate(std::uint32_t group) const {
  return problem_.scoped || IsHeld(group) ? 0 : problem_.storage_weight;
}

std::int64_t BlobRates::HeldPulls(std::uint32_t group) const {
  if (!IsHeld(group)) return 0;
  return problem_.held_pulls[problem_.item[shared_.node[shared_.occurrences(group).front()]]];
}

std::span<const std::uint32_t> BlobRates::ElementsOf(NodeIndex v, Use use) const {
  if (!has_elements() || use == Use::kNone) return {};
  const NodeIndex end = use == Use::kBelow ? subtree_end_[v] : v + 1;
  const std::uint64_t first = problem_.first_element[v];
  return problem_.elements.subspan(first, problem_.first_element[end] - first);
}

template <typename Visit>
void BlobRates::VisitDistinct(NodeIndex v, Use use, const Visit& visit) {
  if (visited_.empty()) visited_.assign(problem_.element_cells.size(), 0);
  const std::uint64_t stamp = ++stamp_;
  for (const std::uint32_t e : ElementsOf(v, use)) {
    if (visited_[e] == stamp) continue;
    visited_[e] = stamp;
    visit(e);
  }
}

double BlobRates::HeldRate(std::uint32_t group) const {
  if (!IsHeld(group)) return 0;
  std::int64_t cells = problem_.scoped ? 0 : 1;
  std::int64_t nodes = 0;
  if (has_elements()) {
    const std::uint32_t item = problem_.item[shared_.node[shared_.occurrences(group).front()]];
    for (std::uint64_t i = problem_.held_first_element[item];
         i < problem_.held_first_element[item + 1]; ++i) {
      cells += problem_.element_cells[problem_.held_elements[i]];
      nodes += problem_.element_nodes[problem_.held_elements[i]];
    }
  }
  return Rate(cells, nodes, HeldPulls(group));
}

std::int64_t BlobRates::GroupCost(std::uint32_t group, std::int64_t bytes,
                                  std::span<const Use> use) {
  bool used = false;
  std::int64_t pulls = HeldPulls(group);
  std::int64_t cells = problem_.scoped ? 0 : 1;
  std::int64_t nodes = 0;
  NodeIndex covered_to = 0;
  std::uint64_t counted = 0;
  if (has_elements()) {
    MarkHeldElements(group);
    counted = stamp_;
  }
  for (const std::uint32_t o : shared_.occurrences(group)) {
    if (use[o] == Use::kNone) continue;
    used = true;
    const NodeIndex v = shared_.node[o];
    if (v < covered_to) continue;  // inside a used occurrence above: no new image
    if (use[o] == Use::kBelow) {
      pulls += pulls_below_[v];
      covered_to = subtree_end_[v];
    } else {
      pulls += problem_.pulls[v];
    }
    for (const std::uint32_t e : ElementsOf(v, use[o])) {
      if (counted_[e] == counted) continue;
      counted_[e] = counted;
      cells += problem_.element_cells[e];
      nodes += problem_.element_nodes[e];
    }
  }
  if (!used) return 0;
  if (!IsHeld(group)) return BlobCost(bytes, Rate(cells, nodes, pulls));
  if (has_elements()) {
    const std::uint32_t item = problem_.item[shared_.node[shared_.occurrences(group).front()]];
    for (std::uint64_t i = problem_.held_first_element[item];
         i < problem_.held_first_element[item + 1]; ++i) {
      cells += problem_.element_cells[problem_.held_elements[i]];
      nodes += problem_.element_nodes[problem_.held_elements[i]];
    }
  }
  return BlobCost(bytes, Rate(cells, nodes, pulls)) - BlobCost(bytes, HeldRate(group));
}

// Starts a new stamp under which the elements that outside images touch count as seen.
void BlobRates::MarkHeldElements(std::uint32_t group) {
  if (counted_.empty()) {
    counted_.assign(problem_.element_cells.size(), 0);
    count_.assign(problem_.element_cells.size(), 0);
    in_first_block_.assign(problem_.element_cells.size(), 0);
  }
  const std::uint64_t stamp = ++stamp_;
  if (!IsHeld(group)) return;
  const std::uint32_t item = problem_.item[shared_.node[shared_.occurrences(group).front()]];
  for (std::uint64_t i = problem_.held_first_element[item];
       i < problem_.held_first_element[item + 1]; ++i) {
    counted_[problem_.held_elements[i]] = stamp;
  }
}

void BlobRates::SplitGroup(std::uint32_t group, std::span<const Use> use,
                           std::span<OccurrenceRates> rates) {
  const auto members = shared_.occurrences(group);
  std::size_t num_used = 0;
  for (const std::uint32_t o : members) num_used += use[o] != Use::kNone ? 1 : 0;
  const double share =
      ConstantRate(group) / static_cast<double>(num_used > 0 ? num_used : members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    const double constant = num_used == 0 || use[members[i]] != Use::kNone ? share : 0;
    rates[i] = {.below = constant, .ends = constant};
  }
  if (problem_.fetch_weight != 0) SplitPulls(group, use, rates);
  if (has_elements()) SplitElements(group, use, rates);
}

// Every image is charged to one occurrence: to the topmost used one that holds it, else to the
// topmost one. Images of the first block (held by a user) share the fetches of the users in
// proportion to their pulls, the others share what they would add; both are valid because fetches
// are concave in pulls.
void BlobRates::SplitPulls(std::uint32_t group, std::span<const Use> use,
                           std::span<OccurrenceRates> rates) {
  const auto members = shared_.occurrences(group);
  struct Charged {
    std::int64_t first_below = 0;
    std::int64_t first_ends = 0;
    std::int64_t second_below = 0;
    std::int64_t second_ends = 0;
  };
  std::vector<Charged> charged(members.size());
  NodeIndex used_to = 0;  // end of the used subtree that encloses the present node
  NodeIndex top_to = 0;   // end of the topmost occurrence that does
  std::size_t top = 0;
  std::int64_t first_pulls = 0;
  std::int64_t all_pulls = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const NodeIndex v = shared_.node[members[i]];
    const Use way = use[members[i]];
    if (v < used_to) continue;
    const bool nested = v < top_to;
    if (!nested) {
      top = i;
      top_to = subtree_end_[v];
      all_pulls += pulls_below_[v];
      charged[i].second_below = pulls_below_[v];
      charged[i].second_ends = problem_.pulls[v];
    }
    if (way == Use::kNone) continue;
    const std::int64_t taken = way == Use::kBelow ? pulls_below_[v] : problem_.pulls[v];
    first_pulls += taken;
    charged[top].second_below -= taken;
    if (top == i) charged[i].second_ends = 0;
    charged[i].first_below = taken;
    charged[i].first_ends = problem_.pulls[v];
    if (way == Use::kBelow) used_to = subtree_end_[v];
  }
  const std::int64_t held = HeldPulls(group);
  const double first_rate = FetchRate(held + first_pulls) - FetchRate(held);
  const double second_rate = FetchRate(held + all_pulls) - FetchRate(held + first_pulls);
  const double first_price = first_pulls > 0 ? first_rate / static_cast<double>(first_pulls) : 0;
  const std::int64_t second_pulls = all_pulls - first_pulls;
  const double second_price =
      second_pulls > 0 ? second_rate / static_cast<double>(second_pulls) : 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const Charged& c = charged[i];
    rates[i].below += first_price * static_cast<double>(c.first_below) +
                      second_price * static_cast<double>(c.second_below);
    rates[i].ends += first_price * static_cast<double>(c.first_ends) +
                     second_price * static_cast<double>(c.second_ends);
  }
}

// An element that users touch is paid by those users evenly; any other by all occurrences that
// touch it.
void BlobRates::SplitElements(std::uint32_t group, std::span<const Use> use,
                              std::span<OccurrenceRates> rates) {
  const auto members = shared_.occurrences(group);
  MarkHeldElements(group);
  const std::uint64_t held = stamp_;
  const auto is_held = [&](std::uint32_t e) { return counted_[e] == held; };
  std::vector<std::uint32_t> touched;
  for (const bool first_block : {true, false}) {
    for (const std::uint32_t o : members) {
      const Use way = first_block ? use[o] : Use::kBelow;
      VisitDistinct(shared_.node[o], way, [&](std::uint32_t e) {
        if (is_held(e) || (!first_block && in_first_block_[e] != 0)) return;
        if (count_[e]++ == 0) touched.push_back(e);
        if (first_block) in_first_block_[e] = 1;
      });
    }
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    const NodeIndex v = shared_.node[members[i]];
    const Use used_as = use[members[i]];
    // A user in the way kEnds pays, of the first block, for the elements of its ending images only.
    const auto pays = [&](std::uint32_t e, bool among_users) {
      return !is_held(e) && (in_first_block_[e] != 0) == among_users;
    };
    const auto add = [&](Use way, double& rate, bool among_users) {
      VisitDistinct(v, way, [&](std::uint32_t e) {
        if (pays(e, among_users)) rate += ElementRate(e) / count_[e];
      });
    };
    add(Use::kBelow, rates[i].below, false);
    add(Use::kEnds, rates[i].ends, false);
    if (used_as == Use::kBelow) add(Use::kBelow, rates[i].below, true);
    if (used_as == Use::kEnds) add(Use::kEnds, rates[i].below, true);
    if (used_as != Use::kNone) add(Use::kEnds, rates[i].ends, true);
  }
  for (const std::uint32_t e : touched) {
    count_[e] = 0;
    in_first_block_[e] = 0;
  }
}

void BlobRates::MarginalGroup(std::uint32_t group, std::span<const Use> use,
                              std::span<OccurrenceRates> rates) {
  const auto members = shared_.occurrences(group);
  std::size_t num_used = 0;
  std::int64_t used_pulls = 0;
  NodeIndex covered_to = 0;
  std::vector<std::int64_t> own(members.size(), 0);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const Use way = use[members[i]];
    if (way == Use::kNone) continue;
    ++num_used;
    const NodeIndex v = shared_.node[members[i]];
    if (v < covered_to) continue;
    own[i] = way == Use::kBelow ? pulls_below_[v] : problem_.pulls[v];
    used_pulls += own[i];
    if (way == Use::kBelow) covered_to = subtree_end_[v];
  }
  std::vector<std::uint32_t> touched;
  std::uint64_t held_stamp = 0;
  if (has_elements()) {
    MarkHeldElements(group);
    held_stamp = stamp_;
    for (const std::uint32_t o : members) {
      VisitDistinct(shared_.node[o], use[o], [&](std::uint32_t e) {
        if (count_[e]++ == 0) touched.push_back(e);
      });
    }
  }
  const std::int64_t held = HeldPulls(group);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const NodeIndex v = shared_.node[members[i]];
    const Use way = use[members[i]];
    const bool used_elsewhere = num_used > (way != Use::kNone ? 1U : 0U);
    const double constant = used_elsewhere ? 0 : ConstantRate(group);
    const std::int64_t others = held + used_pulls - own[i];
    rates[i].below = constant + FetchRate(others + pulls_below_[v]) - FetchRate(others);
    rates[i].ends = constant + FetchRate(others + problem_.pulls[v]) - FetchRate(others);
    if (!has_elements()) continue;
    const auto add = [&](Use as, double& rate) {
      // Elements that only this use touches are still to be paid.
      if (way != Use::kNone) {
        VisitDistinct(v, way, [&](std::uint32_t e) { --count_[e]; });
      }
      VisitDistinct(v, as, [&](std::uint32_t e) {
        if (count_[e] == 0 && counted_[e] != held_stamp) rate += ElementRate(e);
      });
      if (way != Use::kNone) {
        VisitDistinct(v, way, [&](std::uint32_t e) { ++count_[e]; });
      }
    };
    add(Use::kBelow, rates[i].below);
    add(Use::kEnds, rates[i].ends);
  }
  for (const std::uint32_t e : touched) count_[e] = 0;
}

}  // namespace gneiss
