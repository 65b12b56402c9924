#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "solver/deletion/deletion_budget.h"
#include "solver/deletion/deletion_cut.h"
#include "solver/deletion/deletion_frontier.h"
#include "solver/deletion/deletion_problem.h"
#include "tests/make/random_deletions.h"
#include "tests/make/rounds.h"

namespace gneiss {
namespace {

DeletionProblem UnitItems(std::uint32_t num_items) {
  DeletionProblem problem;
  for (std::uint32_t i = 0; i < num_items; ++i) problem.AddItem(i, 1);
  return problem;
}

void AddBlobOf(DeletionProblem& problem, std::int64_t weight,
               const std::vector<std::uint32_t>& holders) {
  problem.AddBlob(problem.num_blobs(), weight, holders);
}

// Corners of the upper hull of all (loss, freed), from no loss on: what a frontier must reach.
std::vector<SubsetSums> HullByHand(const std::vector<SubsetSums>& all) {
  std::int64_t most_loss = 0;
  for (const SubsetSums& sums : all) most_loss = std::max(most_loss, sums.loss);
  std::vector<std::int64_t> best(static_cast<std::size_t>(most_loss) + 1, -1);
  for (const SubsetSums& sums : all) {
    std::int64_t& at = best[static_cast<std::size_t>(sums.loss)];
    at = std::max(at, sums.freed);
  }
  std::vector<SubsetSums> hull;
  for (std::int64_t loss = 0; loss <= most_loss; ++loss) {
    const SubsetSums next{loss, best[static_cast<std::size_t>(loss)]};
    if (next.freed < 0 || (!hull.empty() && next.freed <= hull.back().freed)) continue;
    while (hull.size() >= 2) {
      const SubsetSums& a = hull[hull.size() - 2];
      const SubsetSums& b = hull.back();
      if ((b.freed - a.freed) * (next.loss - a.loss) > (next.freed - a.freed) * (b.loss - a.loss)) {
        break;
      }
      hull.pop_back();
    }
    hull.push_back(next);
  }
  return hull;
}

TEST_CASE("What is freed at one price is a smallest best subset", "[solver][deletion]") {
  std::mt19937_64 random(11);
  for (int round = 0; round < NumRounds(300); ++round) {
    const DeletionProblem problem = MakeRandomDeletions(random, 8);
    const auto p =
        static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(problem.total_freed() + 1));
    const auto q =
        static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(problem.total_loss() + 1));
    const std::vector<std::uint8_t> chosen = MostWorthAt(problem, p, q);
    std::uint64_t subset = 0;
    for (std::uint32_t i = 0; i < problem.num_items(); ++i) {
      if (chosen[i] != 0) subset |= std::uint64_t{1} << i;
    }
    const std::vector<SubsetSums> all = AllSubsets(problem);
    const auto worth = [&](std::uint64_t s) { return q * all[s].freed - p * all[s].loss; };
    for (std::uint64_t s = 0; s < all.size(); ++s) {
      REQUIRE(worth(s) <= worth(subset));
      if (worth(s) == worth(subset)) REQUIRE((s & subset) == subset);
    }
  }
}

TEST_CASE("Prices whose products leave 64 bits are cut exactly", "[solver][deletion]") {
  DeletionProblem problem;
  constexpr std::int64_t kLarge = std::int64_t{1} << 60;
  problem.AddItem(0, kLarge);
  problem.AddItem(1, kLarge + 1);
  AddBlobOf(problem, kLarge + 2, {0});
  AddBlobOf(problem, kLarge + 1, {1});
  AddBlobOf(problem, 1, {0, 1});
  const std::vector<DeletionStep> steps = DeletionFrontier(problem);
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].ids == std::vector<std::uint32_t>{0});
  CHECK(steps[1].freed == kLarge + 2);
}

TEST_CASE("The frontier of deletions is the hull of all subsets", "[solver][deletion]") {
  std::mt19937_64 random(7);
  for (int round = 0; round < NumRounds(1500); ++round) {
    const DeletionProblem problem = MakeRandomDeletions(random, 9);
    const std::vector<SubsetSums> all = AllSubsets(problem);
    std::vector<SubsetSums> points = {{}};
    std::vector<std::uint32_t> ids;
    for (const DeletionStep& step : DeletionFrontier(problem)) {
      REQUIRE(step.freed > 0);
      REQUIRE(std::ranges::is_sorted(step.ids));
      ids.insert(ids.end(), step.ids.begin(), step.ids.end());
      const SubsetSums sums{points.back().loss + step.loss, points.back().freed + step.freed};
      const SubsetSums found = SumsOf(problem, SubsetOf(problem, ids));
      REQUIRE(found.loss == sums.loss);
      REQUIRE(found.freed == sums.freed);
      points.push_back(sums);
    }
    // Every corner is reached, and every point is a best one.
    for (const SubsetSums& corner : HullByHand(all)) {
      REQUIRE(std::ranges::any_of(points, [&](const SubsetSums& point) {
        return point.loss == corner.loss && point.freed == corner.freed;
      }));
    }
    for (std::size_t k = 1; k < points.size(); ++k) {
      for (const SubsetSums& sums : all) {
        REQUIRE((sums.loss > points[k].loss || sums.freed <= points[k].freed));
        REQUIRE((sums.freed < points[k].freed || sums.loss >= points[k].loss));
      }
    }
  }
}

TEST_CASE("Items that share nothing are steps of their own", "[solver][deletion]") {
  DeletionProblem problem = UnitItems(4);
  for (std::uint32_t i = 0; i < 3; ++i) AddBlobOf(problem, 10, {i});
  const std::vector<DeletionStep> steps = DeletionFrontier(problem);
  REQUIRE(steps.size() == 3);
  for (std::uint32_t i = 0; i < 3; ++i) CHECK(steps[i].ids == std::vector<std::uint32_t>{i});
}

TEST_CASE("The least loss that frees enough is that of all subsets", "[solver][deletion]") {
  std::mt19937_64 random(23);
  int below_frontier = 0;
  for (int round = 0; round < NumRounds(1500); ++round) {
    const DeletionProblem problem = MakeRandomDeletions(random, 9);
    const std::int64_t most = problem.total_freed();
    const auto wanted =
        static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most + most / 10 + 1));
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (const SubsetSums& sums : AllSubsets(problem)) {
      if (sums.freed >= wanted) least = std::min(least, sums.loss);
    }
    const DeletionChoice choice = ChooseDeletions(problem, wanted);
    REQUIRE((choice.status == DeletionStatus::kInfeasible) == (wanted > most));
    if (wanted > most) continue;
    REQUIRE(choice.status == DeletionStatus::kOptimal);
    REQUIRE(choice.loss == least);
    REQUIRE(choice.lower_bound == least);
    const SubsetSums found = SumsOf(problem, SubsetOf(problem, choice.ids));
    REQUIRE(found.loss == choice.loss);
    REQUIRE(found.freed == choice.freed);
    REQUIRE(choice.freed >= wanted);
    // The frontier alone would cost more.
    std::int64_t loss = 0;
    std::int64_t freed = 0;
    for (const DeletionStep& step : DeletionFrontier(problem)) {
      if (freed >= wanted) break;
      loss += step.loss;
      freed += step.freed;
    }
    below_frontier += loss > least ? 1 : 0;

    const DeletionChoice cut_short = ChooseDeletions(problem, wanted, {.max_nodes = 1});
    REQUIRE(cut_short.lower_bound <= least);
    REQUIRE(cut_short.loss >= least);
    REQUIRE(cut_short.freed >= wanted);
    REQUIRE((cut_short.status == DeletionStatus::kOptimal) ==
            (cut_short.loss == cut_short.lower_bound));
  }
  CHECK(below_frontier > NumRounds(1500) / 20);
}

TEST_CASE("A base that only goes with all of its images is taken as a whole or not at all",
          "[solver][deletion]") {
  // Images 0 to 3 on a base of 100, images 4 to 6 of 15 each.
  DeletionProblem problem = UnitItems(7);
  AddBlobOf(problem, 100, {0, 1, 2, 3});
  for (std::uint32_t i = 0; i < 4; ++i) AddBlobOf(problem, 1, {i});
  for (std::uint32_t i = 4; i < 7; ++i) AddBlobOf(problem, 15, {i});
  const DeletionChoice few = ChooseDeletions(problem, 30);
  CHECK(few.ids == std::vector<std::uint32_t>{4, 5});
  CHECK(few.loss == 2);
  const DeletionChoice many = ChooseDeletions(problem, 48);
  CHECK(many.ids == std::vector<std::uint32_t>{0, 1, 2, 3});
  CHECK(many.lower_bound == 4);
}

TEST_CASE("Nothing wanted costs nothing", "[solver][deletion]") {
  DeletionProblem problem = UnitItems(1);
  AddBlobOf(problem, 5, {0});
  const DeletionChoice choice = ChooseDeletions(problem, 0);
  CHECK(choice.status == DeletionStatus::kOptimal);
  CHECK(choice.ids.empty());
  CHECK(choice.lower_bound == 0);
}

TEST_CASE("A search that is told to stop says so", "[solver][deletion]") {
  std::mt19937_64 random(5);
  int stopped = 0;
  for (int round = 0; round < 200; ++round) {
    const DeletionProblem problem = MakeRandomDeletions(random, 10);
    const DeletionChoice choice =
        ChooseDeletions(problem, problem.total_freed() / 2, {.should_stop = [] { return true; }});
    if (choice.status != DeletionStatus::kStopped) continue;
    ++stopped;
    REQUIRE(choice.lower_bound < choice.loss);
  }
  CHECK(stopped > 0);
}

}  // namespace
}  // namespace gneiss
