// The textbook fleets of datasets/scenarios, with the answers that they are there to show.
#include <string>

#include <catch2/catch.hpp>

#include "io/source/source.h"
#include "planner/fleet/accounting.h"
#include "planner/plan/plan.h"

namespace gneiss {
namespace {

constexpr Bytes kMegabyte = 1'000'000;

Fleet ReadScenario(const std::string& name) {
  FleetBuilder builder;
  ReadReport report;
  ReadSource("fleet:datasets/scenarios/" + name, {.strict = true}, builder, report);
  return builder.Build();
}

FleetTotals Totals(const Fleet& fleet) {
  const ImageGroups cells = ScopeCells(fleet, Scope::kGlobal);
  return AccountFor(fleet, BuildSharingGraph(fleet, cells, true)).totals;
}

ImageIndex Find(const Fleet& fleet, std::string_view ref) {
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    for (const TextIndex r : fleet.refs_of(fleet.images[i])) {
      if (fleet.text(r) == ref) return i;
    }
  }
  FAIL("no image " << ref);
  return kNone;
}

std::vector<std::uint32_t> Lengths(const Fleet& fleet, const Plan& plan, std::string_view ref) {
  const auto lengths = plan.squash.layout.of(Find(fleet, ref));
  return {lengths.begin(), lengths.end()};
}

using Expected = std::vector<std::uint32_t>;

TEST_CASE("Two apps on one web server: squashing each would store 551 MB instead of 281",
          "[io][scenarios]") {
  const Fleet fleet = ReadScenario("shared-web-server.ndjson");
  const Plan plan = MakePlan(fleet, {});
  REQUIRE(plan.squash.current.storage_bytes == 281 * kMegabyte);
  REQUIRE(plan.flattened.storage_bytes == 551 * kMegabyte);
  // The plan joins Fedora and Nginx, which always come together, and refuses to squash the apps.
  REQUIRE(plan.squash.planned.storage_bytes == 281 * kMegabyte);
  REQUIRE(Lengths(fleet, plan, "web/shop:1") == Expected{2, 1});
  REQUIRE(Lengths(fleet, plan, "web/blog:1") == Expected{2, 1});
  REQUIRE(plan.squash.status == PlanStatus::kOptimal);
  REQUIRE(plan.squash.lower_bound == plan.squash.planned.cost);
}

TEST_CASE("One base under two thousand apps stays one blob", "[io][scenarios]") {
  const Fleet fleet = ReadScenario("base-under-thousands.ndjson.gz");
  const Plan plan = MakePlan(fleet, {});
  REQUIRE(fleet.images.size() == 2001);
  REQUIRE(plan.squash.planned.storage_bytes == plan.squash.current.storage_bytes);
  REQUIRE(plan.squash.planned.layer_references == 2 * 2000 + 1);
  REQUIRE(plan.joins.size() == 1);
  REQUIRE(plan.joins[0].images.size() == 2001);
  REQUIRE(plan.bases.bases.size() == 1);
  REQUIRE(plan.bases.bases[0].name == "platform/runtime:1");
  REQUIRE(plan.bases.bases[0].saves_storage_bytes == 2000 * 192 * kMegabyte);
  // Squashing every app would store the base two thousand times.
  REQUIRE(plan.flattened.storage_bytes > 384'000 * kMegabyte);
}

TEST_CASE("An image that shares nothing is squashed freely", "[io][scenarios]") {
  const Fleet fleet = ReadScenario("image-that-shares-nothing.ndjson");
  const Plan plan = MakePlan(fleet, {});
  REQUIRE(Lengths(fleet, plan, "legacy/monolith:7") == Expected{8});
  REQUIRE(Lengths(fleet, plan, "team/copy-3:1") == Expected{1, 1});
  REQUIRE(plan.squash.planned.storage_bytes == plan.squash.current.storage_bytes);
  REQUIRE(plan.joins.size() == 1);
  REQUIRE(plan.joins[0].saves_layers == 7);
  REQUIRE(Totals(fleet).components == 2);
}

TEST_CASE("Four languages on one base store what one fat image does; only the fat one is squashed",
          "[io][scenarios]") {
  const Fleet apart = ReadScenario("languages-apart.ndjson");
  const Fleet in_one = ReadScenario("languages-in-one.ndjson");
  REQUIRE(Totals(apart).physical_bytes == 420 * kMegabyte);
  REQUIRE(Totals(in_one).physical_bytes == 420 * kMegabyte);
  REQUIRE(Totals(apart).images == 4);
  REQUIRE(Totals(in_one).images == 1);
  REQUIRE(Totals(in_one).refs == 4);
  // Pulled once by each of four cold users.
  const PlanOptions cold{.cost = {.images_per_node = 0}};
  REQUIRE(MakePlan(apart, cold).squash.current.transfer_bytes == 570 * kMegabyte);
  REQUIRE(MakePlan(in_one, cold).squash.current.transfer_bytes == 420 * kMegabyte);
  // The base stays a layer of its own under the four, and goes into the one.
  REQUIRE(Lengths(apart, MakePlan(apart, cold), "lang/go:1") == Expected{1, 1});
  REQUIRE(Lengths(in_one, MakePlan(in_one, cold), "lang/go:1") == Expected{5});
}

}  // namespace
}  // namespace gneiss
