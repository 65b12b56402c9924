#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/random_chains.h"
#include "tests/make/rounds.h"
#ifdef GNEISS_HAVE_CBC
#include "tests/make/binary_program.h"
#endif

namespace gneiss {
namespace {

#ifdef GNEISS_HAVE_CBC

// Squash boundaries with blobs that occur at several places, for storage and cold fetches.
// b_v: a boundary after v. p_av: the last boundary above v is the one after a. q_av = p_av * b_v:
// all images through v have the segment from a to v; those that end at v have it for p_av. y_B: the
// blob B is stored; z_Be: images that end at e fetch it, once however often they have it.
//
//     min  sum storage * bytes_B * y_B + fetch * bytes_B * pulls_e * z_Be
//              + overhead * (pulls_through_v * q_av + pulls_v * (p_av - q_av))
//     s.t. sum over a of p_av = 1;  p_uv = b_u for the parent u of v;  p_av <= p_au for a above u
//          p_av + b_v - 1 <= q_av <= p_av, b_v
//          z_Be <= y_B;  z_Be >= q_av, p_ae for every segment of the chain of e that is B
class PartitionByCbc {
 public:
  explicit PartitionByCbc(const OwnedChains& chains) : chains_(chains), through_(chains.pulls) {
    const std::size_t n = chains.parent.size();
    for (std::size_t v = n; v-- > 0;) {
      if (chains.parent[v] != kNoNode) through_[chains.parent[v]] += through_[v];
    }
    segments_.resize(n);
    boundary_.resize(n);
    for (NodeIndex v = 0; v < n; ++v) AddNode(v);
    for (NodeIndex e = 0; e < n; ++e) {
      if (chains.num_ends[e] > 0) AddImages(e);
    }
  }

  double Minimum() const { return program_.Minimum(); }

 private:
  struct Segment {
    int last = 0;     // p_av
    int through = 0;  // q_av
    std::vector<std::uint32_t> items;
    std::int64_t bytes = 0;
  };

  void AddNode(NodeIndex v) {
    boundary_[v] = program_.AddVariable(0);
    const NodeIndex up = chains_.parent[v];
    std::vector<BinaryProgram::Term> one;
    std::vector<std::uint32_t> items = {chains_.item[v]};
    std::int64_t bytes = chains_.size[v];
    for (NodeIndex a = up;; a = chains_.parent[a]) {
      const auto overhead = static_cast<double>(chains_.problem.segment_overhead);
      const auto ending = static_cast<double>(chains_.pulls[v]);
      const int p = program_.AddVariable(overhead * ending);
      const int q = program_.AddVariable(overhead * (static_cast<double>(through_[v]) - ending));
      one.push_back({p, 1});
      program_.AddRow(-1, kNoRowLimit, {{q, 1}, {p, -1}, {boundary_[v], -1}});
      program_.AddRow(-kNoRowLimit, 0, {{q, 1}, {p, -1}});
      program_.AddRow(-kNoRowLimit, 0, {{q, 1}, {boundary_[v], -1}});
      if (a != kNoNode && a == up) {
        program_.AddRow(0, 0, {{p, 1}, {boundary_[up], -1}});
      } else if (up != kNoNode) {
        program_.AddRow(-kNoRowLimit, 0, {{p, 1}, {segments_[up].at(a).last, -1}});
      }
      segments_[v][a] = {.last = p, .through = q, .items = items, .bytes = bytes};
      if (a == kNoNode) break;
      items.insert(items.begin(), chains_.item[a]);
      bytes += chains_.size[a];
    }
    program_.AddRow(1, 1, one);
  }

  void AddImages(NodeIndex end) {
    const ChainPartitionProblem& problem = chains_.problem;
    std::map<std::vector<std::uint32_t>, int> fetched;
    for (NodeIndex v = end; v != kNoNode; v = chains_.parent[v]) {
      for (const auto& [a, segment] : segments_[v]) {
        const auto bytes = static_cast<double>(segment.bytes);
        const auto [stored, is_first] = stored_.try_emplace(segment.items, 0);
        if (is_first) stored->second = program_.AddVariable(problem.storage_weight * bytes);
        const auto [z, is_new] = fetched.try_emplace(segment.items, 0);
        if (is_new) {
          z->second = program_.AddVariable(problem.fetch_weight * bytes *
                                           static_cast<double>(chains_.pulls[end]));
          program_.AddRow(-kNoRowLimit, 0, {{z->second, 1}, {stored->second, -1}});
        }
        program_.AddRow(0, kNoRowLimit,
                        {{z->second, 1}, {v == end ? segment.last : segment.through, -1}});
      }
    }
  }

  const OwnedChains& chains_;
  std::vector<std::int64_t> through_;                   // pulls, per node
  std::vector<std::map<NodeIndex, Segment>> segments_;  // per node, by a, kNoNode for none
  std::vector<int> boundary_;
  std::map<std::vector<std::uint32_t>, int> stored_;
  BinaryProgram program_;
};

TEST_CASE("CBC finds the boundaries' cost, with blobs shared across chains",
          "[solver][chain_partition][cbc]") {
  std::mt19937 random(31);
  int num_shared = 0;
  constexpr int kRounds = NumRounds(40);
  for (int round = 0; round < kRounds; ++round) {
    CAPTURE(round);
    OwnedChains chains = RandomChains(random, {.max_nodes = 20, .num_items = 7});
    // Whole rates, so that no cost is rounded.
    chains.problem.storage_weight = 1;
    chains.problem.fetch_cold = true;
    chains.problem.fetch_weight = round % 3 == 0 ? 1 : 0;
    const ChainPartition plan = PartitionChains(chains.problem, {.max_branches = 5000});
    const double optimum = PartitionByCbc(chains).Minimum();
    REQUIRE(plan.status == PartitionStatus::kOptimal);
    REQUIRE(static_cast<double>(plan.lower_bound) <= optimum + 1e-3);
    REQUIRE(static_cast<double>(plan.cost) == Approx(optimum).margin(1e-3));
    num_shared += plan.num_shared_groups > 0 ? 1 : 0;
  }
  CHECK(num_shared > kRounds / 2);
}

#else

TEST_CASE("CBC finds the boundaries' cost, with blobs shared across chains",
          "[solver][chain_partition][cbc]") {
  WARN("skipped: built without CBC");
  SUCCEED();
}

#endif

}  // namespace
}  // namespace gneiss
