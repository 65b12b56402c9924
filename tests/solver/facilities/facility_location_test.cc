#include "solver/facilities/facility_location.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "bench/facility_cbc.h"
#include "bench/facility_file.h"
#include "bench/facility_instances.h"
#include "solver/facilities/facility_dual_ascent.h"
#include "solver/facilities/facility_lagrangian.h"
#include "solver/facilities/facility_local_search.h"
#include "solver/facilities/facility_model.h"
#include "tests/make/random_facilities.h"
#include "tests/make/rounds.h"

namespace gneiss {
namespace {

// Limits and forced facilities of every kind, some that cannot be met.
struct RandomLimits {
  std::vector<std::uint32_t> forced;
  std::vector<std::uint32_t> start;
  FacilityOptions options;

  RandomLimits(std::mt19937_64& random, std::uint32_t m) {
    for (std::uint32_t j = 0; j < m; ++j) {
      if (random() % 6 == 0) forced.push_back(j);
      if (random() % 3 == 0) start.push_back(j);
    }
    if (random() % 2 == 0) forced.clear();
    if (random() % 2 == 0) start.clear();
    switch (random() % 4) {
      case 0:
        options.max_open = static_cast<std::uint32_t>(random() % (m + 1));
        break;
      case 1:
        options.max_open = static_cast<std::uint32_t>(random() % (m + 2));
        options.min_open = options.max_open;
        break;
      case 2:
        options.min_open = static_cast<std::uint32_t>(random() % (m + 1));
        break;
      default:
        break;
    }
    options.forced_open = forced;
    options.start = start;
  }
  RandomLimits(const RandomLimits&) = delete;
  RandomLimits& operator=(const RandomLimits&) = delete;
};

// The plan is one, and costs what it says.
void CheckFacilityPlan(const FacilityProblem& problem, const FacilityOptions& options,
                       const FacilityPlan& plan) {
  REQUIRE(plan.cost != kNoCost);
  REQUIRE(plan.lower_bound <= plan.cost);
  REQUIRE(plan.lower_bound >= 0);
  REQUIRE(plan.cost == CostOfOpening(problem, plan.open));
  REQUIRE(std::ranges::is_sorted(plan.open));
  REQUIRE(plan.open.size() >= options.min_open);
  REQUIRE(plan.open.size() <= options.max_open);
  for (const std::uint32_t j : options.forced_open) {
    REQUIRE(std::ranges::binary_search(plan.open, j));
  }
  REQUIRE(plan.assignment.size() == problem.num_customers());
  std::int64_t cost = 0;
  for (const std::uint32_t j : plan.open) cost += problem.opening_cost[j];
  for (std::uint32_t i = 0; i < problem.num_customers(); ++i) {
    REQUIRE(std::ranges::binary_search(plan.open, plan.assignment[i]));
    for (const FacilityLink& link : problem.links_of(i)) {
      if (link.facility == plan.assignment[i]) cost += link.cost;
    }
  }
  REQUIRE(cost == plan.cost);
}

// A random problem of one of several shapes.
RandomFacilities DrawFacilities(std::mt19937_64& random, std::uint32_t most_facilities,
                                std::uint32_t most_customers) {
  constexpr std::uint64_t kRanges[] = {2, 6, 100, 1'000'000'000'000};
  if (random() % 3 == 0) {
    // Equal opening costs, few different others: here the bound of the linear program is low.
    RandomFacilities made(random, most_facilities, most_customers, 4, 5);
    std::ranges::fill(made.opening_cost, static_cast<std::int64_t>(1 + random() % 6));
    return made;
  }
  const auto m = static_cast<std::uint32_t>(random() % (most_facilities + 1));
  const auto n = static_cast<std::uint32_t>(random() % (most_customers + 1));
  const std::uint64_t range = kRanges[random() % 4];
  return {random, m, n, range, random() % 2 == 0 ? 8 : 2 + random() % 6};
}

FacilityLimits AllFree(const FacilityModel& model) {
  return {.state = std::vector<FacilityState>(model.num_facilities, FacilityState::kFree),
          .min_open = 0,
          .max_open = model.num_facilities};
}

// Dense, every customer with a link: what FacilityModel and its solvers want.
RandomFacilities DrawServed(std::mt19937_64& random) {
  return {random, 1 + static_cast<std::uint32_t>(random() % 7),
          1 + static_cast<std::uint32_t>(random() % 7), random() % 2 == 0 ? 5U : 1000U, 8};
}

}  // namespace

TEST_CASE("Facility location finds the optimum of every small problem, or that there is none",
          "[solver][facility_location]") {
  std::mt19937_64 random(1);
  int num_infeasible = 0;
  int num_branched = 0;
  for (int round = 0; round < NumRounds(6000); ++round) {
    CAPTURE(round);
    const RandomFacilities made = DrawFacilities(random, 9, 12);
    const FacilityProblem problem = made.problem();
    RandomLimits limits(random, problem.num_facilities());
    // Room for all nodes, or for none.
    if (round % 2 == 1) limits.options.pending_bytes = 0;
    const std::int64_t optimum = CheapestByTrial(problem, limits.options);
    const FacilityPlan plan = SolveFacilityLocation(problem, limits.options);
    if (optimum == kNoCost) {
      ++num_infeasible;
      REQUIRE(plan.status == FacilityStatus::kInfeasible);
      REQUIRE(plan.cost == kNoCost);
      REQUIRE(plan.open.empty());
      continue;
    }
    REQUIRE(plan.status == FacilityStatus::kOptimal);
    REQUIRE(plan.cost == optimum);
    REQUIRE(plan.lower_bound == optimum);
    REQUIRE(plan.root_bound <= optimum);
    CheckFacilityPlan(problem, limits.options, plan);
    if (plan.num_nodes > 1) ++num_branched;
  }
  // The draw has cases of each kind.
  REQUIRE(num_infeasible > NumRounds(500));
  REQUIRE(num_branched > NumRounds(50));
}

TEST_CASE("Facility location holds its bound whenever it is stopped",
          "[solver][facility_location]") {
  std::mt19937_64 random(2);
  int num_stopped = 0;
  for (int round = 0; round < NumRounds(2000); ++round) {
    CAPTURE(round);
    const RandomFacilities made = DrawFacilities(random, 9, 14);
    const FacilityProblem problem = made.problem();
    RandomLimits limits(random, problem.num_facilities());
    const std::int64_t optimum = CheapestByTrial(problem, limits.options);
    if (optimum == kNoCost) continue;
    int polls_left = static_cast<int>(random() % 12);
    limits.options.should_stop = [&] { return polls_left-- <= 0; };
    const FacilityPlan plan = SolveFacilityLocation(problem, limits.options);
    REQUIRE(plan.lower_bound <= optimum);
    REQUIRE(plan.status != FacilityStatus::kInfeasible);
    if (plan.status == FacilityStatus::kStopped) ++num_stopped;
    const bool dense =
        problem.links.size() == std::size_t{problem.num_facilities()} * problem.num_customers();
    if (plan.cost == kNoCost) {
      REQUIRE_FALSE(dense);
      REQUIRE(limits.options.max_open < problem.num_facilities());
      REQUIRE(plan.gap() == 1);
      continue;
    }
    REQUIRE(plan.cost >= optimum);
    CheckFacilityPlan(problem, limits.options, plan);
  }
  REQUIRE(num_stopped > NumRounds(200));
}

TEST_CASE("Facility location stops at the gap and the nodes it is given",
          "[solver][facility_location]") {
  const FacilityInstance made = MakeKoerkelGhosh(60, 7, false, KoerkelGhoshClass::kB);
  const FacilityPlan exact = SolveFacilityLocation(made.problem());
  REQUIRE(exact.status == FacilityStatus::kOptimal);
  REQUIRE(exact.num_nodes > 1);
  CheckFacilityPlan(made.problem(), {}, exact);
  for (const double gap : {0.001, 0.01, 0.1}) {
    const FacilityPlan plan = SolveFacilityLocation(made.problem(), {.gap_tolerance = gap});
    CheckFacilityPlan(made.problem(), {}, plan);
    REQUIRE(plan.status != FacilityStatus::kStopped);
    REQUIRE(plan.gap() <= gap);
    REQUIRE(plan.lower_bound <= exact.cost);
    REQUIRE(plan.num_nodes <= exact.num_nodes);
  }
  const FacilityPlan stopped = SolveFacilityLocation(made.problem(), {.max_nodes = 2});
  REQUIRE(stopped.status == FacilityStatus::kStopped);
  REQUIRE(stopped.num_nodes == 2);
  REQUIRE(stopped.lower_bound <= exact.cost);
  CheckFacilityPlan(made.problem(), {}, stopped);
}

TEST_CASE("What is proven about facilities rises from node to node",
          "[solver][facility_location]") {
  const FacilityInstance made = MakeKoerkelGhosh(120, 7, true, KoerkelGhoshClass::kC);
  const FacilityPlan exact = SolveFacilityLocation(made.problem());
  REQUIRE(exact.status == FacilityStatus::kOptimal);
  REQUIRE(exact.num_nodes > 16);
  REQUIRE(exact.root_bound < exact.cost);
  std::int64_t before = exact.root_bound;
  int num_between = 0;
  for (std::uint64_t max_nodes = 2; max_nodes < exact.num_nodes;
       max_nodes += kIsSanitized ? 8 : 2) {
    const FacilityPlan plan = SolveFacilityLocation(made.problem(), {.max_nodes = max_nodes});
    REQUIRE(plan.root_bound == exact.root_bound);
    REQUIRE(plan.lower_bound >= before);
    REQUIRE(plan.lower_bound <= exact.cost);
    if (plan.lower_bound > before && plan.lower_bound < exact.cost) ++num_between;
    before = plan.lower_bound;
  }
  REQUIRE(num_between > (kIsSanitized ? 0 : 3));
  // Without room for nodes that wait it proves the same.
  const FacilityPlan deep = SolveFacilityLocation(made.problem(), {.pending_bytes = 0});
  CheckFacilityPlan(made.problem(), {}, deep);
  REQUIRE(deep.status == FacilityStatus::kOptimal);
  REQUIRE(deep.cost == exact.cost);
}

TEST_CASE("The same facility problem has the same plan, in any order the same cost",
          "[solver][facility_location]") {
  std::mt19937_64 random(3);
  for (int round = 0; round < NumRounds(200); ++round) {
    CAPTURE(round);
    const RandomFacilities made(random, 12, 25, round % 2 == 0 ? 8 : 1000, 7);
    const FacilityProblem problem = made.problem();
    FacilityOptions options;
    options.max_open = round % 3 == 0 ? 4 : 12;
    const FacilityPlan plan = SolveFacilityLocation(problem, options);
    const FacilityPlan again = SolveFacilityLocation(problem, options);
    REQUIRE(again.open == plan.open);
    REQUIRE(again.assignment == plan.assignment);
    REQUIRE(again.num_evaluations == plan.num_evaluations);

    std::vector<std::uint32_t> customers(problem.num_customers());
    std::vector<std::uint32_t> facilities(problem.num_facilities());
    std::iota(customers.begin(), customers.end(), 0U);
    std::iota(facilities.begin(), facilities.end(), 0U);
    std::ranges::shuffle(customers, random);
    std::ranges::shuffle(facilities, random);
    RandomFacilities other = made;
    other.links.clear();
    other.first_link = {0};
    for (std::uint32_t j = 0; j < facilities.size(); ++j) {
      other.opening_cost[facilities[j]] = made.opening_cost[j];
    }
    for (const std::uint32_t i : customers) {
      for (const FacilityLink& link : problem.links_of(i)) {
        other.links.push_back({.facility = facilities[link.facility], .cost = link.cost});
      }
      other.first_link.push_back(other.links.size());
    }
    const FacilityPlan permuted = SolveFacilityLocation(other.problem(), options);
    REQUIRE(permuted.status == plan.status);
    REQUIRE(permuted.cost == plan.cost);
    REQUIRE(permuted.lower_bound == plan.lower_bound);
  }
}

TEST_CASE("Facilities that cannot be met are a status", "[solver][facility_location]") {
  const std::vector<std::int64_t> opening_cost = {3, 4};
  const std::vector<std::uint64_t> first_link = {0, 1, 2};
  const std::vector<FacilityLink> links = {{.facility = 0, .cost = 1}, {.facility = 1, .cost = 1}};
  const FacilityProblem problem{
      .opening_cost = opening_cost, .first_link = first_link, .links = links};
  const std::vector<std::uint32_t> both = {0, 1};
  const auto status = [&](const FacilityOptions& options) {
    return SolveFacilityLocation(problem, options).status;
  };
  REQUIRE(status({}) == FacilityStatus::kOptimal);
  REQUIRE(SolveFacilityLocation(problem).cost == 9);
  REQUIRE(status({.min_open = 3}) == FacilityStatus::kInfeasible);
  REQUIRE(status({.min_open = 2, .max_open = 1}) == FacilityStatus::kInfeasible);
  REQUIRE(status({.max_open = 1}) == FacilityStatus::kInfeasible);
  REQUIRE(status({.max_open = 0}) == FacilityStatus::kInfeasible);
  REQUIRE(status({.max_open = 1, .forced_open = both}) == FacilityStatus::kInfeasible);

  const std::vector<std::uint64_t> unserved = {0, 0};
  REQUIRE(SolveFacilityLocation({.opening_cost = opening_cost, .first_link = unserved}).status ==
          FacilityStatus::kInfeasible);
  // Nobody to serve: what is asked for, as cheap as can be.
  const FacilityPlan nobody =
      SolveFacilityLocation({.opening_cost = opening_cost}, {.min_open = 1});
  REQUIRE(nobody.status == FacilityStatus::kOptimal);
  REQUIRE(nobody.open == std::vector<std::uint32_t>{0});
  REQUIRE(SolveFacilityLocation({}).cost == 0);
}

TEST_CASE("The Lagrangian bound and what it fixes hold at any prices",
          "[solver][facility_lagrangian]") {
  std::mt19937_64 random(4);
  int num_fixed = 0;
  for (int round = 0; round < NumRounds(3000); ++round) {
    CAPTURE(round);
    const RandomFacilities made = DrawServed(random);
    const FacilityProblem problem = made.problem();
    const FacilityModel model(problem, problem.num_facilities());
    FacilityLimits limits = AllFree(model);
    for (FacilityState& state : limits.state) {
      const std::uint64_t draw = random() % 6;
      if (draw < 2) state = draw == 0 ? FacilityState::kOpen : FacilityState::kClosed;
    }
    limits.max_open = static_cast<std::uint32_t>(random() % (model.num_facilities + 1));
    limits.min_open = static_cast<std::uint32_t>(random() % (limits.max_open + 1));
    std::vector<std::int64_t> prices;
    for (std::uint32_t i = 0; i < model.num_customers; ++i) {
      prices.push_back(
          std::min(model.unserved, static_cast<std::int64_t>(random() % 1500) << model.shift));
    }
    // Cost of every set within the limits.
    std::vector<std::pair<std::uint32_t, std::int64_t>> sets;
    for (std::uint32_t set = 1; set < 1U << model.num_facilities; ++set) {
      std::vector<std::uint32_t> open;
      bool allowed = true;
      for (std::uint32_t j = 0; j < model.num_facilities; ++j) {
        const bool is_open = (set >> j & 1U) != 0;
        if (is_open) open.push_back(j);
        allowed =
            allowed && limits.state[j] != (is_open ? FacilityState::kClosed : FacilityState::kOpen);
      }
      if (!allowed || open.size() < limits.min_open || open.size() > limits.max_open) continue;
      sets.emplace_back(set, CostOfOpening(problem, open) << model.shift);
    }
    FacilityLagrangian lagrangian(model);
    const std::int64_t bound = lagrangian.Evaluate(limits, prices);
    for (const auto& [set, cost] : sets) REQUIRE(bound <= cost);
    if (bound >= kNoChoice) continue;
    const std::int64_t cutoff = bound + (static_cast<std::int64_t>(random() % 800) << model.shift);
    FacilityLimits fixed = limits;
    num_fixed += static_cast<int>(lagrangian.FixByReducedCost(bound, cutoff, fixed));
    for (const auto& [set, cost] : sets) {
      if (cost > cutoff) continue;
      for (std::uint32_t j = 0; j < model.num_facilities; ++j) {
        REQUIRE(fixed.state[j] !=
                ((set >> j & 1U) != 0 ? FacilityState::kClosed : FacilityState::kOpen));
      }
    }
    const std::int64_t improved =
        lagrangian.Improve(limits, {.max_iterations = 60, .target = model.unserved}, prices, {})
            .bound;
    REQUIRE(improved >= bound);
    REQUIRE(improved == lagrangian.Evaluate(limits, prices));
    for (const auto& [set, cost] : sets) REQUIRE(improved <= cost);
  }
  REQUIRE(num_fixed > NumRounds(1000));
}

TEST_CASE("Dual ascent leaves no slack that a price could take, and adjustment lowers no bound",
          "[solver][facility_dual_ascent]") {
  std::mt19937_64 random(5);
  for (int round = 0; round < NumRounds(2000); ++round) {
    CAPTURE(round);
    const RandomFacilities made = DrawServed(random);
    const FacilityModel model(made.problem(), made.problem().num_facilities());
    const FacilityLimits limits = AllFree(model);
    std::vector<std::int64_t> prices;
    for (std::uint32_t i = 0; i < model.num_customers; ++i) {
      prices.push_back(
          std::min(model.unserved, static_cast<std::int64_t>(random() % 900) << model.shift));
    }
    DualAscent ascent(model);
    ascent.Ascend(limits.state, 0, prices);
    const auto check = [&] {
      std::vector<std::int64_t> slack = model.opening;
      for (std::uint32_t i = 0; i < model.num_customers; ++i) {
        for (std::uint64_t l = model.first[i]; model.cost[l] < prices[i]; ++l) {
          slack[model.facility[l]] -= prices[i] - model.cost[l];
        }
      }
      for (const std::int64_t s : slack) REQUIRE(s >= 0);
      for (std::uint32_t i = 0; i < model.num_customers; ++i) {
        bool blocked = prices[i] == model.unserved;
        for (std::uint64_t l = model.first[i]; l + 1 < model.first[i + 1]; ++l) {
          blocked = blocked || (model.cost[l] <= prices[i] && slack[model.facility[l]] == 0);
        }
        REQUIRE(blocked);
      }
    };
    check();
    std::vector<std::uint32_t> cover;
    ascent.Cover(limits.state, prices, cover);
    REQUIRE_FALSE(cover.empty());
    std::vector<std::uint8_t> is_open(model.num_facilities);
    for (const std::uint32_t j : cover) is_open[j] = 1;
    const std::int64_t before = std::accumulate(prices.begin(), prices.end(), std::int64_t{0});
    const std::int64_t rise = ascent.Adjust(is_open, prices);
    REQUIRE(rise >= 0);
    REQUIRE(std::accumulate(prices.begin(), prices.end(), std::int64_t{0}) == before + rise);
    check();
  }
}

TEST_CASE("Local search ends where no add, drop or swap helps", "[solver][facility_local_search]") {
  std::mt19937_64 random(6);
  for (int round = 0; round < NumRounds(1000); ++round) {
    CAPTURE(round);
    const RandomFacilities made = DrawServed(random);
    const FacilityProblem problem = made.problem();
    const FacilityModel model(problem, problem.num_facilities());
    FacilityLimits limits = AllFree(model);
    limits.max_open = 1 + static_cast<std::uint32_t>(random() % model.num_facilities);
    limits.min_open = static_cast<std::uint32_t>(random() % (limits.max_open + 1));
    FacilityLocalSearch search(model);
    search.Improve({}, limits, {});
    std::vector<std::uint32_t> open(search.open().begin(), search.open().end());
    REQUIRE(open.size() >= limits.min_open);
    REQUIRE(open.size() <= limits.max_open);
    const std::int64_t cost = CostOfOpening(problem, open);
    REQUIRE(search.cost() == cost << model.shift);
    REQUIRE(search.serves_all());
    const auto no_better = [&](const std::vector<std::uint32_t>& other) {
      if (other.size() < limits.min_open || other.size() > limits.max_open) return;
      REQUIRE(CostOfOpening(problem, other) >= cost);
    };
    for (std::uint32_t j = 0; j < model.num_facilities; ++j) {
      std::vector<std::uint32_t> added = open;
      if (std::ranges::find(open, j) == open.end()) added.push_back(j);
      no_better(added);
      for (std::size_t r = 0; r < open.size(); ++r) {
        std::vector<std::uint32_t> dropped = added;
        dropped.erase(dropped.begin() + static_cast<std::ptrdiff_t>(r));
        no_better(dropped);
      }
    }
  }
}

TEST_CASE("CBC finds the same optimum", "[solver][facility_location][cbc]") {
  if (!HasCbc()) {
    WARN("skipped: built without CBC");
    SUCCEED();
    return;
  }
  std::mt19937_64 random(8);
  for (int round = 0; round < NumRounds(40); ++round) {
    CAPTURE(round);
    const RandomFacilities made(random, 12 + static_cast<std::uint32_t>(random() % 12),
                                30 + static_cast<std::uint32_t>(random() % 30), 1000,
                                round % 2 == 0 ? 8 : 5);
    const FacilityProblem problem = made.problem();
    std::vector<std::uint32_t> forced;
    FacilityOptions options;
    if (round % 3 == 1) options.max_open = 4U + static_cast<std::uint32_t>(round) % 4;
    if (round % 3 == 2) options.min_open = options.max_open = 5;
    if (round % 4 == 3) forced = {1, 2};
    options.forced_open = forced;
    const FacilityPlan plan = SolveFacilityLocation(problem, options);
    const CbcFacilityResult cbc = SolveWithCbc(problem, options);
    if (plan.status == FacilityStatus::kInfeasible) {
      REQUIRE(cbc.infeasible);
      continue;
    }
    REQUIRE(cbc.optimal);
    REQUIRE(plan.status == FacilityStatus::kOptimal);
    CheckFacilityPlan(problem, options, plan);
    REQUIRE(static_cast<double>(plan.cost) == Approx(cbc.cost).epsilon(1e-7));
  }
}

TEST_CASE("The problems of the OR-Library are solved to their known optima",
          "[solver][facility_location][corpus]") {
  const std::filesystem::path folder =
      std::filesystem::path(std::getenv("GNEISS_CORPUS")) / "data" / "ufl";
  const std::vector<std::pair<std::string, std::string>> optima = {
      {"cap71", "932615.750"},    {"cap72", "977799.400"},    {"cap73", "1010641.450"},
      {"cap74", "1034976.975"},   {"cap101", "796648.4375"},  {"cap102", "854704.200"},
      {"cap103", "893782.1125"},  {"cap104", "928941.750"},   {"cap131", "793439.5625"},
      {"cap132", "851495.325"},   {"cap133", "893076.7125"},  {"cap134", "928941.750"},
      {"capa", "17156454.47830"}, {"capb", "12979071.58143"}, {"capc", "11505594.32878"}};
  for (const auto& [name, optimum] : optima) {
    CAPTURE(name);
    const FacilityInstance instance = ReadFacilityFile(folder / (name + ".txt"));
    const FacilityPlan plan = SolveFacilityLocation(instance.problem());
    CheckFacilityPlan(instance.problem(), {}, plan);
    REQUIRE(plan.status == FacilityStatus::kOptimal);
    std::string cost = FormatDecimal(plan.cost, instance.num_decimals);
    REQUIRE(instance.num_decimals >= 3);
    cost.append(5 - static_cast<std::size_t>(instance.num_decimals), '0');
    std::string known = optimum;
    known.append(5 - (known.size() - known.find('.') - 1), '0');
    REQUIRE(cost == known);
  }
}

}  // namespace gneiss
