#include "planner/bases/rebase.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "planner/bases/rebase_bound.h"
#include "planner/bases/rebase_problem.h"
#include "planner/bases/rebase_state.h"
#include "planner/contents/kept_images.h"
#include "planner/squash/squash.h"
#include "tests/make/random_lineages.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

RebasePlan Rebase(const Fleet& fleet, const CostOptions& cost, const RebaseOptions& options = {}) {
  const CostModel model(fleet, cost);
  return PlanRebase(fleet, model, MakeToday(fleet, model), options);
}

// Layer sizes of one name must agree.
Fleet BuildFleet(RandomLineages& made) {
  std::map<std::string, std::string> first;
  for (TinyImage& image : made.images) {
    for (std::string& layer : image.layers) {
      layer = first.try_emplace(layer.substr(0, layer.find(':')), layer).first->second;
    }
  }
  return MakeTinyFleet(made.images);
}

// The cost of the fleet after choices, counted from chains alone.
Bytes Recount(const Fleet& fleet, const CostModel& model, const Today& today,
              const RebaseProblem& problem, const RebaseChoices& choices) {
  std::vector<std::vector<LayerIndex>> chains;
  for (const Image& image : fleet.images) {
    const auto chain = fleet.chain(image);
    chains.emplace_back(chain.begin(), chain.end());
  }
  for (std::uint32_t g = 0; g < choices.size(); ++g) {
    const RebaseChoice& choice = problem.groups[g].choices[choices[g]];
    if (choice.to == kNoNode) continue;
    const std::vector<LayerIndex> prefix = PrefixOf(today.trie, choice);
    for (const ImageIndex i : problem.groups[g].images) {
      chains[i].erase(chains[i].begin(), chains[i].begin() + today.trie.depth[choice.from]);
      chains[i].insert(chains[i].begin(), prefix.begin(), prefix.end());
    }
  }
  const ChainOfImage after = [&](ImageIndex i) { return std::span(chains[i]); };
  return AuditLayout(fleet, model, today.cells, CurrentLayout(fleet, after), after).cost;
}

// Next in the order of an odometer; false after the last.
bool NextChoices(const RebaseProblem& problem, RebaseChoices& choices) {
  for (std::size_t g = 0; g < choices.size(); ++g) {
    if (++choices[g] < problem.groups[g].choices.size()) return true;
    choices[g] = 0;
  }
  return false;
}

TEST_CASE("Rebase: bound <= optimum <= cost <= today, by brute force over all choices",
          "[planner][rebase]") {
  std::mt19937_64 random(7);
  std::int64_t num_tried = 0;
  std::int64_t num_optimal = 0;
  std::int64_t num_proven = 0;
  std::int64_t num_moving = 0;
  for (int round = 0; round < NumRounds(500); ++round) {
    RandomLineages made = MakeRandomLineages(random);
    const CostOptions cost = RandomCosts(random);
    const Fleet fleet = BuildFleet(made);
    const CostModel model(fleet, cost);
    const Today today = MakeToday(fleet, model);
    RebaseOptions options;
    options.allow_older = random() % 4 == 0;
    const RebasePlan plan = PlanRebase(fleet, model, today, options);
    const RebaseProblem problem =
        MakeRebaseProblem(fleet, today.trie, FindLineages(fleet, today.trie, {}),
                          {.allow_older = options.allow_older});
    double num_choices = 1;
    for (const RebaseGroup& group : problem.groups) {
      num_choices *= static_cast<double>(group.choices.size());
    }
    if (problem.groups.empty() || num_choices > 2000) continue;
    ++num_tried;
    Bytes optimum = std::numeric_limits<Bytes>::max();
    RebaseChoices choices(problem.groups.size(), 0);
    do {
      optimum = std::min(optimum, Recount(fleet, model, today, problem, choices));
    } while (NextChoices(problem, choices));
    CAPTURE(round);
    REQUIRE(plan.lower_bound <= optimum);
    REQUIRE(optimum <= plan.planned.cost);
    REQUIRE(plan.planned.cost <= plan.current.cost);
    REQUIRE(plan.current.cost == today.cost.cost);
    if (plan.planned.cost == optimum) ++num_optimal;
    if (plan.status == PlanStatus::kOptimal) ++num_proven;
    if (!plan.moves.empty()) ++num_moving;
  }
  REQUIRE(num_tried > NumRounds(250));
  REQUIRE(num_moving > num_tried / 3);
  // Seen: all of 410, and 402 proven.
  REQUIRE(num_optimal * 100 > num_tried * 98);
  REQUIRE(num_proven * 100 > num_tried * 90);
}

TEST_CASE("Rebase: the state's differences are those of a recount", "[planner][rebase]") {
  std::mt19937_64 random(11);
  for (int round = 0; round < NumRounds(200); ++round) {
    RandomLineages made = MakeRandomLineages(random);
    const Fleet fleet = BuildFleet(made);
    const CostModel model(fleet, RandomCosts(random));
    const Today today = MakeToday(fleet, model);
    const RebaseProblem problem =
        MakeRebaseProblem(fleet, today.trie, FindLineages(fleet, today.trie, {}), {});
    const RebaseBlobs blobs(fleet, model, today, problem);
    RebaseState state(blobs);
    const Bytes rest = today.cost.cost - state.cost();
    REQUIRE(Recount(fleet, model, today, problem, state.choices()) == rest + state.cost());
    for (int step = 0; step < 10 && !problem.groups.empty(); ++step) {
      const auto g = static_cast<std::uint32_t>(random() % problem.groups.size());
      const auto c = static_cast<std::uint32_t>(random() % problem.groups[g].choices.size());
      const Bytes expected = state.cost() + state.Difference(g, c);
      state.Choose(g, c);
      REQUIRE(state.cost() == expected);
      REQUIRE(Recount(fleet, model, today, problem, state.choices()) == rest + state.cost());
    }
    const Bytes before = state.cost();
    ImproveChoices(problem, {}, state);
    REQUIRE(state.cost() <= before);
  }
}

TEST_CASE("Rebase: an image moves once, inside its lineage, and pinned ones do not",
          "[planner][rebase]") {
  std::mt19937_64 random(13);
  std::int64_t num_moves = 0;
  for (int round = 0; round < NumRounds(200); ++round) {
    RandomLineages made = MakeRandomLineages(random);
    const Fleet fleet = BuildFleet(made);
    RebaseOptions options;
    options.pins = {made.images.back().ref};
    const CostOptions cost = RandomCosts(random);
    const RebasePlan plan = Rebase(fleet, cost, options);
    const std::vector<std::uint8_t> pinned = MatchPins(fleet, options.pins);
    std::set<ImageIndex> moved;
    Bytes saved_cost = 0;
    for (const Drift& drift : plan.moves) {
      ++num_moves;
      saved_cost += drift.saves_cost;
      REQUIRE_FALSE(drift.weak());
      for (const ImageIndex i : drift.images) {
        REQUIRE(pinned[i] == 0);
        REQUIRE(moved.insert(i).second);
        const auto chain = fleet.chain(fleet.images[i]);
        REQUIRE(std::ranges::equal(chain.first(drift.from.size()), drift.from));
      }
    }
    REQUIRE(plan.num_moved_images == static_cast<std::int64_t>(moved.size()));
    REQUIRE(saved_cost == plan.current.cost - plan.planned.cost);

    // The order of the input changes nothing.
    std::ranges::shuffle(made.images, random);
    const Fleet shuffled = BuildFleet(made);
    const RebasePlan again = Rebase(shuffled, cost, options);
    REQUIRE(again.planned.cost == plan.planned.cost);
    REQUIRE(again.lower_bound == plan.lower_bound);
    REQUIRE(again.moves.size() == plan.moves.size());
    for (std::size_t m = 0; m < plan.moves.size(); ++m) {
      REQUIRE(again.moves[m].images == plan.moves[m].images);
      REQUIRE(again.moves[m].to == plan.moves[m].to);
      REQUIRE(again.moves[m].lineage == plan.moves[m].lineage);
    }
  }
  REQUIRE(num_moves > NumRounds(50));
}

}  // namespace
}  // namespace gneiss
