#include "bench/rule_contest.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/carve/generated_audit.h"
#include "tests/make/content_fleet.h"
#include "tests/make/rounds.h"

namespace gneiss {
namespace {

TEST_CASE("Atoms are split by package, or by directory where no package lists a file",
          "[bench][origin_atoms]") {
  std::vector<TinyEntry> first = {tiny::File("etc/a", "1"), tiny::File("usr/lib/x/y", "2"),
                                  tiny::File("usr/lib/z", "3"), tiny::File("usr/bin/z", "4")};
  for (const std::size_t e : {2, 3}) first[e].package = "zlib1g";
  const ContentFleet made =
      MakeContentFleet({first, {tiny::File("top", "5"), tiny::File("usr/lib/t", "6")}}, {{0}, {1}});
  const ContentAtoms atoms = FindContentAtoms(made.fleet, made.contents);
  REQUIRE(atoms.files.atoms.size() == 2);
  const OriginAtoms origins = SplitByOrigin(atoms, made.contents);
  const AtomTable& parts = origins.atoms.files.atoms;
  // Image 0: etc, usr/lib, zlib1g; image 1: the root, usr/lib.
  REQUIRE(parts.size() == 5);
  REQUIRE(origins.traits.size() == 5);
  std::map<std::uint32_t, std::vector<std::uint32_t>> images_of;
  std::map<std::uint32_t, std::uint64_t> hash_of;
  for (AtomIndex a = 0; a < parts.size(); ++a) {
    const AtomTraits& traits = origins.traits[a];
    REQUIRE(parts.signature(a).size() == 1);
    images_of[traits.origin].push_back(parts.signature(a).front());
    CHECK(hash_of.try_emplace(traits.origin, traits.hash).first->second == traits.hash);
    Bytes bytes = 0;
    for (const Unit& unit : origins.atoms.files.units_of(a)) bytes += unit.bytes;
    CHECK(bytes == parts.bytes[a]);
    CHECK(origins.atoms.files.units_of(a).size() ==
          (traits.origin == origins.traits[2].origin ? 2 : 1));
  }
  CHECK(images_of.size() == 4);
  CHECK(hash_of.size() == 4);
  CHECK(std::ranges::count(images_of, 2U, [](const auto& of) { return of.second.size(); }) == 1);
}

// Carving's own answers, each for its column, and the rules' are layers that show every image as it
// is; what they cost is what their layers do, and a mark is where a rule costs less.
TEST_CASE("A contest counts what its layers come to, and marks what is better",
          "[bench][rule_contest]") {
  std::mt19937 random(5);
  int num_compared = 0;
  for (int round = 0; round < NumRounds(30); ++round) {
    INFO("round " << round);
    const ContentFleet made = RandomContentFleet(random);
    CostOptions cost;
    cost.layer_cost = static_cast<Bytes>(random() % 30);
    const CostModel model(made.fleet, cost);
    const Today today = MakeToday(made.fleet, model);
    const ContentAtoms atoms = FindContentAtoms(made.fleet, made.contents);
    const FleetRates rates(made.fleet, model, today.cells);
    const OriginAtoms origins = SplitByOrigin(atoms, made.contents);
    const ContestFleet fleet{made.fleet, made.contents, model, today, atoms, origins, rates};
    for (const std::uint32_t max_layers : {1U, 2U, 3U}) {
      const Contest contest = HoldContest(fleet, max_layers, [] { return 0.0; });
      REQUIRE(contest.rules.size() == kLayerRules.size());
      for (std::size_t r = 0; r < kLayerRules.size(); ++r) {
        const ContestEntry& rule = contest.rules[r];
        CHECK(rule.name == LayerRuleName(kLayerRules[r]));
        const std::vector<CarvedLayer> layers =
            ApplyLayerRule(kLayerRules[r], origins.atoms.files.atoms, origins.traits, max_layers);
        const GeneratedLayout layout =
            MakeGeneratedLayout(origins.atoms, made.contents, layers, max_layers);
        AuditGeneratedLayout(made.fleet, made.contents, origins.atoms, layout, max_layers, false);
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
  CHECK(num_compared == NumRounds(30) * 3 * 5);
}

}  // namespace
}  // namespace gneiss
