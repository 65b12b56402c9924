#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "tests/make/random_chains.h"
#include "tests/make/rounds.h"

namespace gneiss {
namespace {

// The definition, over explicit sets of images and explicit lists of items; shares nothing with the
// solver. nullopt-like: negative when the boundaries break a rule.
constexpr std::int64_t kBroken = -1;

std::int64_t PlainCost(const OwnedChains& instance, unsigned boundary) {
  const ChainPartitionProblem& p = instance.problem;
  struct Holders {
    std::set<NodeIndex> ends;
  };
  std::map<std::vector<std::uint32_t>, Holders> blobs;
  std::int64_t cost = 0;
  for (NodeIndex v = 0; v < instance.parent.size(); ++v) {
    if (instance.num_ends[v] == 0) continue;
    std::vector<NodeIndex> path;
    for (NodeIndex u = v; u != kNoNode; u = instance.parent[u]) path.insert(path.begin(), u);
    std::vector<std::uint32_t> segment;
    std::uint32_t num_segments = 0;
    bool segment_is_alone = false;
    for (const NodeIndex u : path) {
      segment.push_back(instance.item[u]);
      segment_is_alone |= instance.standalone[u] != 0;
      const bool closes = ((boundary >> u) & 1) != 0;
      // A standalone layer at the end of a chain needs its boundary too, for those who go on.
      if (!closes && instance.standalone[u] != 0) return kBroken;
      if (!closes && u != v) continue;
      if (segment_is_alone && segment.size() > 1) return kBroken;
      blobs[segment].ends.insert(v);
      ++num_segments;
      segment.clear();
      segment_is_alone = false;
    }
    if (p.max_segments > 0 && num_segments > p.max_segments) return kBroken;
    cost += p.segment_overhead * instance.pulls[v] * num_segments;
  }
  const auto rate = [&](std::int64_t pulls, const std::set<std::uint32_t>& elements) {
    std::int64_t cells = p.scoped ? 0 : 1;
    std::int64_t nodes = 0;
    for (const std::uint32_t e : elements) {
      cells += instance.element_cells[e];
      nodes += instance.element_nodes[e];
    }
    const double q = static_cast<double>(pulls);
    double fetch = 0;
    if (p.fetch_weight != 0) {
      fetch = p.fetch_cold ? p.fetch_weight * q
                           : p.fetch_weight * (p.fetch_nodes * -std::expm1(-p.fetch_intensity * q));
    }
    return p.storage_weight * static_cast<double>(cells) +
           p.fetch_weight * static_cast<double>(nodes) + fetch;
  };
  const auto price = [](std::int64_t bytes, double r) {
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(bytes) * r));
  };
  for (const auto& [segment, holders] : blobs) {
    std::int64_t bytes = 0;
    for (const std::uint32_t i : segment) bytes += instance.item_size[i];
    std::int64_t pulls = 0;
    std::set<std::uint32_t> elements;
    std::int64_t already = 0;
    if (segment.size() == 1 && !instance.held.empty() && instance.held[segment[0]] != 0) {
      const std::uint32_t i = segment[0];
      pulls += instance.held_pulls[i];
      elements.insert(instance.held_elements.begin() +
                          static_cast<std::ptrdiff_t>(instance.held_first_element[i]),
                      instance.held_elements.begin() +
                          static_cast<std::ptrdiff_t>(instance.held_first_element[i + 1]));
      already = price(bytes, rate(pulls, elements));
    }
    for (const NodeIndex v : holders.ends) {
      pulls += instance.pulls[v];
      if (instance.first_element.empty()) continue;
      elements.insert(
          instance.elements.begin() + static_cast<std::ptrdiff_t>(instance.first_element[v]),
          instance.elements.begin() + static_cast<std::ptrdiff_t>(instance.first_element[v + 1]));
    }
    cost += price(bytes, rate(pulls, elements)) - already;
  }
  return cost;
}

std::int64_t BruteForce(const OwnedChains& instance) {
  std::int64_t best = std::numeric_limits<std::int64_t>::max();
  for (unsigned b = 0; b < (1U << instance.parent.size()); ++b) {
    const std::int64_t cost = PlainCost(instance, b);
    if (cost != kBroken) best = std::min(best, cost);
  }
  return best;
}

unsigned Pack(const std::vector<std::uint8_t>& boundary) {
  unsigned bits = 0;
  for (std::size_t v = 0; v < boundary.size(); ++v) bits |= unsigned{boundary[v]} << v;
  return bits;
}

// Every plan against brute force: the cost is the optimum, is what an independent count says it is,
// and never lies below the bound. Branching is allowed to finish, so that the answer must be exact.
void RequireOptimal(std::uint32_t seed, int count, const RandomChainsOptions& options) {
  count = NumRounds(count);
  std::mt19937 random(seed);
  int num_shared = 0;
  for (int i = 0; i < count; ++i) {
    const OwnedChains instance = RandomChains(random, options);
    const std::int64_t optimum = BruteForce(instance);
    const ChainPartition plan = PartitionChains(instance.problem, {.max_branches = 5000});
    INFO("seed " << seed << " instance " << i);
    if (optimum == std::numeric_limits<std::int64_t>::max()) {
      REQUIRE(plan.status == PartitionStatus::kInfeasible);
      continue;
    }
    REQUIRE(PlainCost(instance, Pack(plan.boundary)) == plan.cost);
    REQUIRE(EvaluatePartition(instance.problem, plan.boundary) == plan.cost);
    REQUIRE(plan.lower_bound <= optimum);
    REQUIRE(plan.cost == optimum);
    REQUIRE(plan.status == PartitionStatus::kOptimal);
    REQUIRE((options.max_segments > 0 || plan.cost <= plan.current_cost));
    // Without branching the bound still is one, and the plan still costs what it says.
    const ChainPartition quick =
        PartitionChains(instance.problem, {.max_iterations = 1, .max_branches = 0});
    REQUIRE(quick.lower_bound <= optimum);
    REQUIRE(quick.cost >= optimum);
    REQUIRE(PlainCost(instance, Pack(quick.boundary)) == quick.cost);
    num_shared += plan.num_shared_groups > 0 ? 1 : 0;
  }
  REQUIRE(num_shared > count / 3);  // the interesting case is really drawn
}

TEST_CASE("The partition is optimal for storage with blobs shared across chains",
          "[solver][chain_partition]") {
  RequireOptimal(1, 2000, {});
  RequireOptimal(2, 300, {.max_nodes = 12, .num_items = 4});
}

TEST_CASE("The partition is optimal with expected fetches", "[solver][chain_partition]") {
  RequireOptimal(3, 1500, {.transfer = true});
}

TEST_CASE("The partition is optimal with scope cells and node pools", "[solver][chain_partition]") {
  RequireOptimal(4, 700, {.scoped = true});
  RequireOptimal(5, 700, {.transfer = true, .scoped = true});
  RequireOptimal(6, 700, {.transfer = true, .pools = true});
  RequireOptimal(7, 700, {.transfer = true, .scoped = true, .pools = true, .held = true});
}

TEST_CASE("The partition is optimal beside images that hold blobs already",
          "[solver][chain_partition]") {
  RequireOptimal(8, 1000, {.held = true});
  RequireOptimal(9, 1000, {.transfer = true, .held = true});
}

TEST_CASE("The partition is optimal under a limit of layers per image",
          "[solver][chain_partition]") {
  for (const std::uint32_t limit : {1U, 2U, 3U}) {
    RequireOptimal(10 + limit, 700, {.transfer = limit != 2, .max_segments = limit});
  }
}

TEST_CASE("The partition keeps layers apart that must stand alone, or says that it cannot",
          "[solver][chain_partition]") {
  RequireOptimal(20, 700, {.transfer = true, .standalone = true});
  RequireOptimal(21, 700, {.transfer = true, .held = true, .standalone = true, .max_segments = 3});
}

// One chain of `n` layers of 10 bytes, an image at its end.
OwnedChains Chain(int n) {
  OwnedChains instance;
  for (int v = 0; v < n; ++v) {
    const auto i = static_cast<std::uint32_t>(v);
    instance.parent.push_back(v == 0 ? kNoNode : i - 1);
    instance.depth.push_back(i + 1);
    instance.item.push_back(i);
    instance.item_size.push_back(10);
    instance.size.push_back(10);
    instance.num_ends.push_back(v + 1 == n ? 1 : 0);
    instance.pulls.push_back(v + 1 == n ? 1 : 0);
  }
  instance.Link();
  return instance;
}

TEST_CASE("Ties keep today's layers", "[solver][chain_partition]") {
  const OwnedChains instance = Chain(6);
  const ChainPartition plan = PartitionChains(instance.problem);
  REQUIRE(plan.boundary == std::vector<std::uint8_t>(6, 1));
  REQUIRE(plan.cost == 60);
}

TEST_CASE("A chain that nobody shares becomes one layer when layers cost anything",
          "[solver][chain_partition]") {
  OwnedChains instance = Chain(300);
  instance.problem.segment_overhead = 1;
  const ChainPartition plan = PartitionChains(instance.problem);
  REQUIRE(plan.cost == 3001);
  REQUIRE(plan.current_cost == 3300);
  REQUIRE(std::count(plan.boundary.begin(), plan.boundary.end() - 1, 1) == 0);
}

TEST_CASE("No nodes cost nothing", "[solver][chain_partition]") {
  const OwnedChains instance = Chain(0);
  const ChainPartition plan = PartitionChains(instance.problem);
  REQUIRE(plan.cost == 0);
  REQUIRE(plan.lower_bound == 0);
  REQUIRE(plan.status == PartitionStatus::kOptimal);
}

// Segment weights where squashing frees bytes: what the top layer replaces is gone.
class ShadowedWeights final : public SegmentWeights {
 public:
  void Fill(NodeIndex v, std::span<std::int64_t> weights) const override {
    std::int64_t sum = 0;
    for (std::size_t a = v + 1; a-- > 0;) {
      sum += 10;
      weights[a] = sum - (a + 1 < v + 1 ? 4 : 0);
    }
  }
};

TEST_CASE("Weights of segments may be less than the sum of their layers",
          "[solver][chain_partition]") {
  OwnedChains instance = Chain(3);
  const ShadowedWeights weights;
  instance.problem.weights = &weights;
  const ChainPartition plan = PartitionChains(instance.problem);
  REQUIRE(plan.cost == 26);
  REQUIRE(plan.current_cost == 30);
}

TEST_CASE("Equal segments at several places form one group per length",
          "[solver][shared_segments]") {
  // Two chains 0 1 2 and 3 1 2: the lists (1), (2) and (1 2) occur twice, (0) and (3) once.
  const std::vector<NodeIndex> parent = {kNoNode, 0, 1, kNoNode, 3, 4};
  const std::vector<std::uint32_t> item = {0, 1, 2, 3, 1, 2};
  const SharedSegments shared = FindSharedSegments(parent, item, {});
  REQUIRE(shared.num_groups() == 3);
  REQUIRE(shared.num_lengths(0) == 0);
  REQUIRE(shared.num_lengths(1) == 1);
  REQUIRE(shared.num_lengths(2) == 2);
  for (std::uint32_t g = 0; g < 3; ++g) {
    const auto members = shared.occurrences(g);
    REQUIRE(members.size() == 2);
    REQUIRE(shared.node[members[0]] + 3 == shared.node[members[1]]);
    REQUIRE(shared.length(members[0]) == shared.length(members[1]));
    REQUIRE(shared.group[members[0]] == g);
  }
}

TEST_CASE("A marked item is shared even where it stands alone", "[solver][shared_segments]") {
  const std::vector<NodeIndex> parent = {kNoNode, 0};
  const std::vector<std::uint32_t> item = {0, 1};
  const std::vector<std::uint8_t> marked = {0, 1};
  const SharedSegments shared = FindSharedSegments(parent, item, marked);
  REQUIRE(shared.num_groups() == 1);
  REQUIRE(shared.node[shared.occurrences(0)[0]] == 1);
}

}  // namespace
}  // namespace gneiss
