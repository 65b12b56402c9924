#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/cost/cost_model.h"
#include "planner/cost/layout.h"
#include "tests/make/random_fleet.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

// The audit's own count of what holders come to.
void RequireRates(const Fleet& fleet, const CostOptions& options, std::mt19937_64& random) {
  const CostModel model(fleet, options);
  const ImageGroups cells = ScopeCells(fleet, options.scope);
  const FleetRates fleet_rates(fleet, model, cells);
  SetRates rates(fleet_rates.model());
  for (int set = 0; set < 8; ++set) {
    std::vector<ImageIndex> images;
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      if (random() % 2 == 0) images.push_back(i);
    }
    if (images.empty()) continue;
    const BlobUse use = CountUse(fleet, cells, images);
    const Bytes expected =
        model.BlobCost(1'000'000, use.cells, model.Fetches(use.pulls, use.pool_nodes));
    REQUIRE(std::abs(CostAtRate(1'000'000, rates.Of(images)) - expected) <= 1);
  }
}

TEST_CASE("A set of images costs the solvers what it costs the audit", "[planner][rate_model]") {
  std::mt19937_64 random(20261121);
  for (int round = 0; round < NumRounds(200); ++round) {
    const Fleet fleet = BuildRandomFleet(MakeRandomFleet(random));
    for (const Scope scope : {Scope::kGlobal, Scope::kNamespace, Scope::kRepository}) {
      for (const double images_per_node : {0.0, 1.0, 10.0}) {
        RequireRates(fleet,
                     {.storage_weight = 2,
                      .transfer_weight = 0.5,
                      .images_per_node = images_per_node,
                      .scope = scope},
                     random);
      }
    }
  }
}

TEST_CASE("Pools are elements after the cells", "[planner][rate_model]") {
  const std::vector<PoolRecord> both = {{.name = "east", .nodes = 3}, {.name = "west", .nodes = 5}};
  const Fleet fleet = MakeTinyFleet({{.ref = "one:1", .layers = {"a:1"}, .pools = {both[0]}},
                                     {.ref = "two:1", .layers = {"a:1"}, .pools = both},
                                     {.ref = "two:2", .layers = {"b:1"}, .pools = {both[1]}}});
  std::mt19937_64 random(7);
  for (const Scope scope : {Scope::kGlobal, Scope::kRepository}) {
    RequireRates(fleet, {.scope = scope}, random);
  }
  const CostModel model(fleet, {.scope = Scope::kRepository});
  const FleetRates rates(fleet, model, ScopeCells(fleet, Scope::kRepository));
  REQUIRE(rates.elements_of(1).size() == 3);
  REQUIRE(rates.model().element_nodes[3] == 5);
}

}  // namespace
}  // namespace gneiss
