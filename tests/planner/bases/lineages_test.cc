#include "planner/bases/lineages.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/bases/rebase.h"
#include "planner/fleet/bytes.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

using Names = std::vector<std::string>;

Names VersionNames(const Fleet& fleet, const LayerTrie& trie, const Lineage& lineage) {
  Names names;
  for (const BaseVersion& version : lineage.versions) {
    names.push_back(NameOfNode(fleet, trie, version.node));
  }
  return names;
}

Names ImageNames(const Fleet& fleet, const BaseVersion& version) {
  Names names;
  for (const ImageIndex i : version.images) names.push_back(fleet.name(fleet.images[i]));
  return names;
}

TEST_CASE("One tag over several manifests is a lineage in order of age", "[planner][lineages]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "base:1", .layers = {"v2:1"}, .created = "2024-02-01", .manifest = "m2"},
       {.ref = "base:1", .layers = {"v1:1"}, .created = "2024-01-01", .manifest = "m1"},
       {.ref = "base:1", .layers = {"v0:1"}, .manifest = "m0"},
       {.ref = "old:1", .layers = {"v1:1", "a:1"}},
       {.ref = "older:1", .layers = {"v1:1", "a:1", "b:1"}},
       {.ref = "other:1", .layers = {"x:1"}}});
  const LayerTrie trie = BuildLayerTrie(fleet);
  const std::vector<Lineage> lineages = FindLineages(fleet, trie);
  REQUIRE(lineages.size() == 1);
  REQUIRE(lineages[0].sign == LineageSign::kTagHistory);
  REQUIRE(lineages[0].name == "base:1");
  REQUIRE(lineages[0].versions.size() == 3);
  // Of unknown age comes first.
  REQUIRE(fleet.layers[trie.layer[lineages[0].versions[0].node]].digest == NamedDigest("v0"));
  REQUIRE(fleet.layers[trie.layer[lineages[0].versions[1].node]].digest == NamedDigest("v1"));
  REQUIRE(lineages[0].versions[2].age_rank == 2);
  REQUIRE(ImageNames(fleet, lineages[0].versions[1]) == Names{"old:1", "older:1"});
  REQUIRE(lineages[0].versions[2].images.empty());
}

TEST_CASE("Images stand on the longest version of a lineage only", "[planner][lineages]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "base:1", .layers = {"v1:1"}, .created = "2024-01-01", .manifest = "m1"},
       {.ref = "base:1", .layers = {"v1:1", "v2:1"}, .created = "2024-02-01", .manifest = "m2"},
       {.ref = "a:1", .layers = {"v1:1", "a:1"}},
       {.ref = "b:1", .layers = {"v1:1", "v2:1", "b:1"}}});
  const std::vector<Lineage> lineages = FindLineages(fleet, BuildLayerTrie(fleet));
  REQUIRE(lineages.size() == 1);
  REQUIRE(ImageNames(fleet, lineages[0].versions[0]) == Names{"a:1"});
  REQUIRE(ImageNames(fleet, lineages[0].versions[1]) == Names{"b:1"});
}

TEST_CASE("A rule makes versions of the images it matches", "[planner][lineages]") {
  const Fleet fleet =
      MakeTinyFleet({{.ref = "os/jammy:1", .layers = {"j:1"}},
                     {.ref = "os/noble:1", .layers = {"n:1"}},
                     {.ref = "os/arm:1", .layers = {"r:1"}, .platform = "linux/arm64"},
                     {.ref = "a:1", .layers = {"j:1", "a:1"}}});
  const LayerTrie trie = BuildLayerTrie(fleet);
  REQUIRE(FindLineages(fleet, trie).size() == 0);
  const std::vector<Lineage> lineages = FindLineages(fleet, trie, {.rules = {{"os/*", "ubuntu"}}});
  REQUIRE(lineages.size() == 1);
  REQUIRE(lineages[0].sign == LineageSign::kMapping);
  REQUIRE(lineages[0].name == "ubuntu");
  REQUIRE(VersionNames(fleet, trie, lineages[0]) == Names{"os/jammy:1", "os/noble:1"});
  REQUIRE_THROWS_WITH(FindLineages(fleet, trie, {.rules = {{"win/*", "windows"}}}),
                      "lineage 'windows': pattern 'win/*' matches no ref of the fleet; expected a "
                      "shell pattern over whole refs, such as 'a:1'");
}

TEST_CASE("Root chains of one os-release are a lineage, the least trusted that is planned with",
          "[planner][lineages]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"d1:1000", "a:10"}},
                                     {.ref = "b:1", .layers = {"d2:1100", "b:10"}},
                                     {.ref = "c:1", .layers = {"d3:900", "c:10"}}});
  std::vector<std::string> releases(fleet.layers.size());
  for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
    const Digest& digest = fleet.layers[l].digest;
    if (digest == NamedDigest("d1") || digest == NamedDigest("d2")) releases[l] = "debian 12";
    if (digest == NamedDigest("d3")) releases[l] = "debian 11";
  }
  RebaseOptions options;
  options.lineages.os_release = releases;
  const CostModel model(fleet, {.layer_cost = 1});
  const Today today = MakeToday(fleet, model);
  const std::vector<Lineage> lineages = FindLineages(fleet, today.trie, options.lineages);
  REQUIRE(lineages.size() == 1);
  REQUIRE(lineages[0].sign == LineageSign::kOsRelease);
  REQUIRE(lineages[0].name == "debian 12");
  const RebasePlan plan = PlanRebase(fleet, model, today, options);
  REQUIRE(plan.moves.size() == 1);
  REQUIRE(plan.moves[0].images == std::vector<ImageIndex>{IndexOf(fleet, "b:1")});
  REQUIRE(plan.moves[0].saves_storage_bytes == 1100);
  REQUIRE(PlanRebase(fleet, model, today).moves.empty());
}

TEST_CASE("A twin follows its twin to another base", "[planner][lineages]") {
  const std::vector<LabelRecord> names_base = {{"org.opencontainers.image.base.name", "os:1"}};
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "os:1", .layers = {"new:100000=n"}, .created = "2024-02-01"},
       {.ref = "r:gzip", .layers = {"og:100000=o", "rg:5000=r"}, .labels = names_base},
       {.ref = "r:zstd", .layers = {"oz:90000=o", "rz:4500=r"}, .labels = names_base}});
  const CostModel model(fleet, {.layer_cost = 1});
  const RebasePlan plan = PlanRebase(fleet, model, MakeToday(fleet, model));
  // One base and one copy of what is on it are left.
  REQUIRE(plan.planned.storage_bytes < 105'001);
  REQUIRE(plan.status == PlanStatus::kOptimal);
  const auto twin =
      std::ranges::find_if(plan.moves, [](const Drift& drift) { return !drift.twin_name.empty(); });
  REQUIRE(twin != plan.moves.end());
  REQUIRE(twin->sign == LineageSign::kBaseName);
  REQUIRE(twin->to_name == "os:1");
  REQUIRE(twin->to.size() == 2);
}

TEST_CASE("No image moves to a version known to be older, unless that is allowed",
          "[planner][lineages]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "base:1", .layers = {"v1:10"}, .created = "2024-01-01", .manifest = "m1"},
       {.ref = "base:1", .layers = {"v2:100000"}, .created = "2024-02-01", .manifest = "m2"},
       {.ref = "a:1", .layers = {"v2:100000", "a:1"}, .pulls = 50}});
  const CostModel model(fleet, {.layer_cost = 1});
  const Today today = MakeToday(fleet, model);
  REQUIRE(PlanRebase(fleet, model, today).moves.empty());
  REQUIRE(PlanRebase(fleet, model, today, {.allow_older = true}).moves.size() == 1);
}

TEST_CASE("A rebase that is stopped at once still has a plan and a bound", "[planner][lineages]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "base:1", .layers = {"v1:1000"}, .created = "2024-01-01", .manifest = "m1"},
       {.ref = "base:1", .layers = {"v2:1000"}, .created = "2024-02-01", .manifest = "m2"},
       {.ref = "a:1", .layers = {"v1:1000", "a:1"}, .pulls = 50}});
  const CostModel model(fleet, {});
  const Today today = MakeToday(fleet, model);
  RebaseOptions options;
  options.should_stop = [] { return true; };
  const RebasePlan plan = PlanRebase(fleet, model, today, options);
  REQUIRE(plan.lower_bound <= plan.planned.cost);
  REQUIRE(plan.planned.cost <= plan.current.cost);
}

}  // namespace
}  // namespace gneiss
