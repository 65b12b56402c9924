#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "bench/atom_traits.h"
#include "bench/rule_contest.h"
#include "planner/generated_audit.h"
#include "tests/content_fleet.h"

namespace gneiss {
namespace {

TEST_CASE("Atoms have the directory of their heaviest unit, and differ by their first path",
          "[bench][atom_traits]") {
  std::vector<TinyEntry> first = {tiny::File("etc/a", "1"), tiny::File("usr/lib/x/y", "2"),
                                  tiny::File("usr/lib/z", "3")};
  first[1].blob_bytes = 9;
  // Atoms by signature: {0}: the first two; {0, 1}: usr/lib/z; {1}: top.
  const ContentFleet made = MakeContentFleet(
      {{first[2]}, {first[0], first[1]}, {tiny::File("top", "4")}}, {{0, 1}, {0, 2}});
  const ContentAtoms atoms = FindContentAtoms(made.fleet, made.contents);
  const std::vector<AtomTraits> traits = FindAtomTraits(atoms, made.contents);
  REQUIRE(traits.size() == 3);
  CHECK(traits[0].origin == traits[1].origin);
  CHECK(traits[0].origin != traits[2].origin);
  CHECK(traits[0].hash != traits[1].hash);
  CHECK(traits[1].hash != traits[2].hash);
  CHECK(traits[0].hash != traits[2].hash);
}

// Carving's own answers, each for its column, and the rules' are layers that show every image as it
// is; what they cost is what their layers do, and a mark is where a rule costs less.
TEST_CASE("A contest counts what its layers come to, and marks what is better",
          "[bench][rule_contest]") {
  std::mt19937 random(5);
  int num_compared = 0;
  for (int round = 0; round < 30; ++round) {
    INFO("round " << round);
    const ContentFleet made = RandomContentFleet(random);
    CostOptions cost;
    cost.layer_cost = static_cast<Bytes>(random() % 30);
    const CostModel model(made.fleet, cost);
    const Today today = MakeToday(made.fleet, model);
    const ContentAtoms atoms = FindContentAtoms(made.fleet, made.contents);
    const FleetRates rates(made.fleet, model, today.cells);
    const std::vector<AtomTraits> traits = FindAtomTraits(atoms, made.contents);
    const ContestFleet fleet{made.fleet, made.contents, model, today, atoms, rates, traits};
    for (const std::uint32_t max_layers : {1U, 2U, 3U}) {
      const Contest contest = HoldContest(fleet, max_layers, [] { return 0.0; });
      REQUIRE(contest.rules.size() == kLayerRules.size());
      for (std::size_t r = 0; r < kLayerRules.size(); ++r) {
        const ContestEntry& rule = contest.rules[r];
        CHECK(rule.name == LayerRuleName(kLayerRules[r]));
        const std::vector<CarvedLayer> layers =
            ApplyLayerRule(kLayerRules[r], atoms.files.atoms, traits, max_layers);
        const GeneratedLayout layout =
            MakeGeneratedLayout(atoms, made.contents, layers, max_layers);
        AuditGeneratedLayout(made.fleet, made.contents, atoms, layout, max_layers, false);
        const LayoutCost kept = CostOfGeneratedLayout(made.fleet, model, today.cells, atoms, {});
        Bytes stored = kept.storage_bytes;

        for (const GeneratedLayer& layer : layout.layers) {
          stored += layer.size();
        }
        REQUIRE(rule.cost.storage_bytes == stored);
        CHECK(rule.wins_storage ==
              (rule.cost.storage_bytes < contest.for_storage.cost.storage_bytes));
        CHECK(rule.wins_transfer ==
              (rule.cost.transfer_bytes < contest.for_transfer.cost.transfer_bytes));
        CHECK(rule.wins_cost == (rule.cost.cost < contest.for_cost.cost.cost));
        // Of files alone nothing is stored in fewer bytes than carving for storage does. What the
        // layers list of directories is not chosen for.
        REQUIRE(contest.for_storage.file_bytes <= rule.file_bytes);
        ++num_compared;
      }
    }
  }
  CHECK(num_compared == 30 * 3 * 5);
}

}  // namespace
}  // namespace gneiss
