#include "planner/bases/bases.h"

#include <string>

#include <catch2/catch.hpp>

#include "planner/plan/plan.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

BasesReport Find(const Fleet& fleet, const CostOptions& cost = {}) {
  const CostModel model(fleet, cost);
  return FindBases(fleet, model, MakeToday(fleet, model));
}

TEST_CASE("Bases are prefixes that are images, or where chains part", "[planner][bases]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "base:1", .layers = {"b:100"}},
                                     {.ref = "one/app:1", .layers = {"b:100", "c:50", "x:1"}},
                                     {.ref = "one/app:2", .layers = {"b:100", "c:50", "y:1"}},
                                     {.ref = "lone:1", .layers = {"z:1", "w:1"}}});
  const BasesReport report = Find(fleet);
  REQUIRE(report.bases.size() == 2);
  REQUIRE(report.bases[0].name == "base:1");
  REQUIRE(report.bases[0].size == 100);
  REQUIRE(report.bases[0].num_images == 3);
  REQUIRE(report.bases[0].num_repositories == 2);
  REQUIRE(report.bases[0].saves_storage_bytes == 200);
  REQUIRE(report.bases[1].versions.empty());
  REQUIRE(report.bases[1].size == 150);
  REQUIRE(report.bases[1].saves_storage_bytes == 50);
  REQUIRE(report.drift.empty());
}

TEST_CASE("Images that name a base but stand on an older one move where that saves",
          "[planner][bases]") {
  const std::vector<LabelRecord> names_base = {{"org.opencontainers.image.base.name", "base:12"}};
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "base:12.0", .layers = {"old:1000"}, .created = "2024-01-01T00:00:00Z"},
       {.ref = "base:12", .layers = {"new:1100"}, .created = "2024-02-01T00:00:00Z"},
       {.ref = "a:1", .layers = {"old:1000", "a:10"}, .labels = names_base},
       {.ref = "b:1", .layers = {"old:1000", "b:10"}, .labels = names_base},
       {.ref = "c:1", .layers = {"new:1100", "c:10"}, .labels = names_base}});
  const BasesReport report = Find(fleet, {.images_per_node = 0});
  // base:12.0 itself still holds the old layer; every cold pull of the two moves 100 bytes more.
  REQUIRE(report.num_moved_images == 0);
  REQUIRE(RecommendMoves(report).empty());
  REQUIRE(report.status == PlanStatus::kOptimal);
  REQUIRE(report.lower_bound <= report.current.cost);
  // Where nodes keep what they have, one base is worth more than the smaller one.
  const BasesReport warm = Find(fleet, {.images_per_node = 5});
  REQUIRE(warm.drift.size() == 1);
  const Drift& drift = warm.drift.front();
  REQUIRE(drift.sign == LineageSign::kBaseName);
  REQUIRE(drift.lineage == "base:12");
  REQUIRE(drift.from_name == "base:12.0");
  REQUIRE(drift.to_name == "base:12");
  REQUIRE(drift.images == std::vector<ImageIndex>{IndexOf(fleet, "a:1"), IndexOf(fleet, "b:1")});
  REQUIRE(drift.saves_storage_bytes == 0);
  REQUIRE(drift.saves_transfer_bytes > 0);
}

TEST_CASE("A move that frees the old base saves it", "[planner][bases]") {
  const std::vector<LabelRecord> names_base = {
      {"org.opencontainers.image.base.name", "docker.io/library/base:12"}};
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "base:12", .layers = {"new:1100", "more:5"}, .created = "2024-02-01T00:00:00Z"},
       {.ref = "a:1", .layers = {"old:1000", "a:10"}, .labels = names_base}});
  const BasesReport report = Find(fleet, {.layer_cost = 1});
  REQUIRE(report.drift.size() == 1);
  REQUIRE(report.drift[0].saves_storage_bytes == 1000);
  REQUIRE(report.current.storage_bytes - report.moved.storage_bytes == 1000);
  REQUIRE(report.moved.layer_references == report.current.layer_references + 1);
  const auto moves = RecommendMoves(report);
  REQUIRE(moves.size() == 1);
  REQUIRE(moves[0].id == "B1");
  REQUIRE(moves[0].saves_layers == -1);
  REQUIRE(moves[0].effort == Effort::kRebuild);
}

TEST_CASE("One tag over several manifests is a lineage", "[planner][bases]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "base:1", .layers = {"v1:1000"}, .created = "2024-01-01", .manifest = "m1"},
       {.ref = "base:1", .layers = {"v2:1000"}, .created = "2024-03-01", .manifest = "m2"},
       {.ref = "old:1", .layers = {"v1:1000", "a:10"}},
       {.ref = "new:1", .layers = {"v2:1000", "b:10"}}});
  const BasesReport report = Find(fleet, {.images_per_node = 3});
  REQUIRE(report.drift.size() == 1);
  REQUIRE(report.drift[0].sign == LineageSign::kTagHistory);
  REQUIRE(report.drift[0].images == std::vector<ImageIndex>{IndexOf(fleet, "old:1")});
  REQUIRE(report.drift[0].saves_storage_bytes == 0);
  REQUIRE(report.drift[0].saves_transfer_bytes > 0);
}

TEST_CASE("A recompressed twin costs nothing to give up", "[planner][bases]") {
  const Fleet fleet =
      MakeTinyFleet({{.ref = "r:gzip", .layers = {"g1:100=d1", "g2:50=d2"}},
                     {.ref = "r:also", .layers = {"g1:100=d1", "g2:50=d2", "x:1=d3"}},
                     {.ref = "r:zstd", .layers = {"z1:90=d1", "z2:40=d2"}}});
  const BasesReport report = Find(fleet);
  REQUIRE(report.drift.size() == 1);
  REQUIRE(report.drift[0].sign == LineageSign::kTwin);
  REQUIRE(report.drift[0].saves_storage_bytes == 130);
  REQUIRE(report.drift[0].from.size() == 2);
  REQUIRE(report.drift[0].images == std::vector<ImageIndex>{IndexOf(fleet, "r:zstd")});
  REQUIRE(RecommendMoves(report)[0].effort == Effort::kPushAgain);
}

TEST_CASE("An equal first instruction is a weak sign and is left out of the sum",
          "[planner][bases]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "a:1", .layers = {"r1:1000"}, .created = "2024-01-01", .created_by = "ADD rootfs"},
       {.ref = "b:1", .layers = {"r2:1050"}, .created = "2024-02-01", .created_by = "ADD rootfs"},
       {.ref = "c:1", .layers = {"r3:2000"}, .created = "2024-02-01", .created_by = "ADD rootfs"}});
  const BasesReport report = Find(fleet);
  REQUIRE(report.drift.size() == 1);
  REQUIRE(report.drift[0].weak());
  REQUIRE(report.drift[0].from_name == "a:1");
  REQUIRE(report.drift[0].saves_storage_bytes == 1000);
  REQUIRE(report.num_moved_images == 0);
  REQUIRE(report.moved.storage_bytes == report.current.storage_bytes);
}

TEST_CASE("Moves are counted within scope cells and pools too", "[planner][bases]") {
  const std::vector<LabelRecord> names_base = {{"org.opencontainers.image.base.name", "base:1"}};
  const std::vector<PoolRecord> pool = {{.name = "web", .nodes = 7}};
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "base:1", .layers = {"new:100"}, .created = "2024-02-01", .pools = pool},
       {.ref = "x/a:1", .layers = {"old:90", "a:1"}, .labels = names_base, .pools = pool},
       {.ref = "y/b:1", .layers = {"old:90", "b:1"}, .labels = names_base, .pools = pool}});
  CostOptions cost;
  cost.scope = Scope::kNamespace;
  const BasesReport report = Find(fleet, cost);
  REQUIRE(report.drift.size() == 1);
  REQUIRE(report.drift[0].saves_storage_bytes == 2 * 90 - 2 * 100);
  REQUIRE(report.drift[0].saves_transfer_bytes == 7 * 90);
}

}  // namespace
}  // namespace gneiss
