#include "planner/carve/carve.h"

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/carve/generated_audit.h"
#include "planner/carve/new_bases.h"
#include "planner/plan/content_plan.h"
#include "tests/make/content_fleet.h"
#include "tests/make/plain_overlay.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"
#include "tests/make/tiny_inventory.h"

namespace gneiss {
namespace {

struct CarveFixture {
  Fleet fleet;
  LayerContents contents;
};

// Images of random chains over a few layers named by numbers; some layers are not known.
CarveFixture MakeCarveFixture(std::mt19937& random) {
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  std::vector<Inventory> inventories;
  std::vector<bool> removes_its_own;
  for (int l = 0; l < 5; ++l) {
    auto entries = RandomTinyLayer(random);
    if (below(3) == 0) entries.push_back(tiny::HardLink("a", "b"));
    for (TinyEntry& entry : entries) {
      entry.blob_bytes = static_cast<Bytes>(1 + below(20));
      entry.mtime = below(3) == 0 ? 1 : 0;
    }
    inventories.push_back(MakeTinyInventory(entries, std::to_string(l)));
    removes_its_own.push_back(RemovesItsOwn(entries));
  }
  std::vector<TinyImage> images(1 + below(5));
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (i > 0 && below(3) != 0) images[i].layers = images[below(static_cast<unsigned>(i))].layers;
    images[i].ref = "app:" + std::to_string(100 + i);
    images[i].pulls = 1 + below(3);
    for (unsigned more = below(4); more > 0; --more) {
      const unsigned l = below(5);
      if (images[i].layers.empty() && removes_its_own[l]) continue;
      images[i].layers.push_back(std::to_string(l) + ":" +
                                 std::to_string(inventories[l].blob_size));
    }
  }
  Fleet fleet = MakeTinyFleet(images);
  LayerContents contents(fleet.layers.size());
  const unsigned unknown = below(12);
  for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
    for (unsigned m = 0; m < 5; ++m) {
      if (fleet.layers[l].digest != NamedDigest(std::to_string(m)) || m == unknown) continue;
      contents.Add(l, inventories[m]);
    }
  }
  PriceAtRandom(contents, random);
  return {std::move(fleet), std::move(contents)};
}

TEST_CASE("Carved layers show every image as it is, within the limit and above the bound",
          "[planner][carve]") {
  std::mt19937 random(7);
  int num_limited = 0;
  int num_unknown = 0;
  int num_stacked = 0;
  for (int round = 0; round < NumRounds(100); ++round) {
    INFO("round " << round);
    const CarveFixture made = MakeCarveFixture(random);
    CostOptions cost;
    cost.layer_cost = random() % 2 == 0 ? 0 : static_cast<Bytes>(random() % 30);
    cost.transfer_weight = random() % 2 == 0 ? 0 : 0.5;
    const CostModel model(made.fleet, cost);
    const Today today = MakeToday(made.fleet, model);
    const bool ignore_mtime = random() % 2 == 0;
    std::vector<std::uint8_t> pinned(made.fleet.images.size(), 0);
    if (random() % 3 == 0) pinned[random() % pinned.size()] = 1;
    const ContentProblem problem(made.fleet, model, today, made.contents,
                                 {.ignore_mtime = ignore_mtime, .pinned = pinned});
    num_unknown += problem.num_images() < std::ssize(made.fleet.images) ? 1 : 0;
    Bytes last_stored = 0;
    for (const std::uint32_t max_layers : {127U, 3U, 2U, 1U}) {
      // Both throw where an image would change.
      const NewBases bases =
          PlanNewBases(problem, {.max_layers = max_layers, .wants_frontier = true});
      const GeneratedPlan plan = PlanCarve(problem, {.max_layers = max_layers});
      REQUIRE(plan.lower_bound <= plan.planned.cost);
      REQUIRE(plan.lower_bound <= bases.plan.planned.cost);
      REQUIRE(bases.plan.lower_bound <= plan.lower_bound);
      for (const GeneratedPlan* const one : {&plan, &bases.plan}) {
        REQUIRE(problem.floor().storage_bytes <= one->planned.storage_bytes);
        REQUIRE(problem.floor().cost <= one->planned.cost);
        for (std::size_t i = 0; i < pinned.size(); ++i) {
          if (pinned[i] == 0) continue;
          for (const GeneratedLayer& layer : one->layout.layers) {
            REQUIRE(!std::ranges::binary_search(layer.images, i));
          }
        }
      }
      Bytes last_cost = std::numeric_limits<Bytes>::max();
      for (const BasesPoint& point : bases.frontier) {
        REQUIRE(point.cost.cost <= last_cost);
        last_cost = point.cost.cost;
      }
      for (std::size_t b = 0; b < bases.bases.size(); ++b) {
        const NewBase& base = bases.bases[b];
        if (base.parent == kNone) continue;
        REQUIRE(base.parent < b);
        REQUIRE(base.size > bases.bases[base.parent].size);
        ++num_stacked;
      }
      for (const auto& layers : plan.layout.LayersOfImages(made.fleet.images.size())) {
        REQUIRE(layers.size() <= max_layers);
      }
      num_limited += plan.planned.storage_bytes > last_stored ? 1 : 0;
      last_stored = plan.planned.storage_bytes;
    }
  }
  REQUIRE(num_limited > NumRounds(40));
  REQUIRE(num_unknown > (kIsSanitized ? 0 : 8));
  if (!kIsSanitized) REQUIRE(num_stacked > 2);
}

// What a level came to, and how often its search asked whether to go on.
struct Searched {
  GeneratedPlan plan;
  std::uint64_t num_polls = 0;
};

Searched SearchLevel(const CarveFixture& made, const CostModel& model, const Today& today,
                     double gap_tolerance, bool carves, std::uint32_t max_layers,
                     std::uint32_t num_bases) {
  const ContentProblem problem(made.fleet, model, today, made.contents,
                               {.gap_tolerance = gap_tolerance});
  Searched searched;
  const auto count = [&] {
    ++searched.num_polls;
    return false;
  };
  searched.plan =
      carves
          ? PlanCarve(problem, {.max_layers = max_layers, .should_stop = count})
          : PlanNewBases(problem, {.max_layers = max_layers,
                                   .num_bases = std::min(
                                       num_bases, static_cast<std::uint32_t>(problem.num_images())),
                                   .should_stop = count})
                .plan;
  return searched;
}

TEST_CASE("Levels made of contents end at the gap that is asked for, and no later",
          "[planner][carve]") {
  std::mt19937 random(9);
  int num_early = 0;
  int num_never = 0;
  int num_refused = 0;
  for (int round = 0; round < NumRounds(120); ++round) {
    INFO("round " << round);
    const CarveFixture made = MakeCarveFixture(random);
    CostOptions cost;
    cost.layer_cost = random() % 2 == 0 ? 0 : static_cast<Bytes>(random() % 30);
    const CostModel model(made.fleet, cost);
    const Today today = MakeToday(made.fleet, model);
    const bool carves = round % 2 == 0;
    const std::uint32_t max_layers = 1 + static_cast<std::uint32_t>(random() % 4);
    const std::uint32_t num_bases = static_cast<std::uint32_t>(random() % 3);
    const auto search = [&](double gap_tolerance) {
      return SearchLevel(made, model, today, gap_tolerance, carves, max_layers, num_bases);
    };
    const Searched full = search(0);
    REQUIRE(full.plan.status != PlanStatus::kGapReached);
    const double wanted = static_cast<double>(1 + random() % 50) / 100;
    const Searched found = search(wanted);
    REQUIRE(found.plan.planned.cost >= full.plan.planned.cost);
    REQUIRE(found.plan.lower_bound == full.plan.lower_bound);
    REQUIRE(found.plan.planned.cost == search(wanted).plan.planned.cost);
    const bool is_reached =
        found.plan.status == PlanStatus::kGapReached || found.plan.status == PlanStatus::kOptimal;
    REQUIRE(is_reached == (found.plan.gap() <= wanted));
    REQUIRE(is_reached == (full.plan.gap() <= wanted));
    if (is_reached) {
      num_early += found.num_polls < full.num_polls ? 1 : 0;
      // Just below what it came to, the search goes on.
      const double nearer = found.plan.gap() * (1 - 1e-9);
      const Searched next = search(nearer);
      if (next.plan.gap() > nearer) continue;
      ++num_refused;
      REQUIRE(next.plan.planned.cost <= found.plan.planned.cost);
    } else {
      ++num_never;
      REQUIRE(found.plan.planned.cost == full.plan.planned.cost);
      REQUIRE(found.plan.status == full.plan.status);
    }
  }
  CHECK(num_early > (kIsSanitized ? 0 : 20));
  CHECK(num_never > (kIsSanitized ? 0 : 10));
  CHECK(num_refused > (kIsSanitized ? 0 : 5));
}

TEST_CASE("A plan that is to stop does not begin with what other carvings would cost",
          "[planner][carve]") {
  std::mt19937 random(3);
  CarveFixture made = MakeCarveFixture(random);
  while (FindContentAtoms(made.fleet, made.contents).num_known == 0) {
    made = MakeCarveFixture(random);
  }
  const CostModel model(made.fleet, {});
  const Today today = MakeToday(made.fleet, model);
  PlanOptions options;
  options.wants_frontier = true;
  const auto whole = PlanContents(made.fleet, model, today, options, made.contents);
  REQUIRE(whole.has_value());
  REQUIRE(!whole->by_layers.empty());
  REQUIRE(!whole->by_weights.empty());
  options.should_stop = [] { return true; };
  const auto stopped = PlanContents(made.fleet, model, today, options, made.contents);
  REQUIRE(stopped.has_value());
  REQUIRE(stopped->carve.has_value());
  REQUIRE(stopped->by_layers.empty());
  REQUIRE(stopped->by_weights.empty());
}

// A layout that loses, adds or changes something is an error that names it.
TEST_CASE("The audit of generated layers notices every change", "[planner][carve]") {
  std::mt19937 random(8);
  int num_changed = 0;
  for (int round = 0; round < NumRounds(60); ++round) {
    const CarveFixture made = MakeCarveFixture(random);
    const CostModel model(made.fleet, {});
    const Today today = MakeToday(made.fleet, model);
    const ContentProblem problem(made.fleet, model, today, made.contents);
    const GeneratedPlan plan = PlanCarve(problem, {.max_layers = 3});
    const auto audit = [&](const GeneratedLayout& layout) {
      AuditGeneratedLayout(made.fleet, made.contents, problem.atoms(), layout, 3, false);
    };
    for (std::size_t j = 0; j < plan.layout.layers.size(); ++j) {
      GeneratedLayout changed = plan.layout;
      GeneratedLayer& layer = changed.layers[j];
      if (!layer.atoms.empty()) {
        layer.atoms.pop_back();
      } else {
        layer.directories.pop_back();
      }
      CHECK_THROWS_AS(audit(changed), AuditError);
      changed = plan.layout;
      changed.layers[j].file_bytes += 1;
      CHECK_THROWS_AS(audit(changed), AuditError);
      changed = plan.layout;
      changed.layers.push_back(changed.layers[j]);
      if (!plan.layout.layers[j].atoms.empty()) CHECK_THROWS_AS(audit(changed), AuditError);
      ++num_changed;
    }
  }
  CHECK(num_changed > NumRounds(60));
}

}  // namespace
}  // namespace gneiss
