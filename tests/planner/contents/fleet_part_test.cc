#include "planner/contents/fleet_part.h"

#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/fleet/accounting.h"
#include "planner/fleet/image_groups.h"
#include "planner/fleet/sharing_graph.h"
#include "tests/make/content_fleet.h"
#include "tests/make/random_fleet.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

Bytes StoredBytes(const Fleet& fleet) {
  return AccountFor(fleet, BuildSharingGraph(fleet, ScopeCells(fleet, Scope::kGlobal), false))
      .totals.physical_bytes;
}

TEST_CASE("A part keeps what the whole knows of its images", "[planner][fleet_part]") {
  const Fleet whole = MakeTinyFleet(
      {{.ref = "web/a:1",
        .layers = {"base:100=b", "a:5=a"},
        .pulls = 7,
        .created = "2020-01-01T00:00:00Z",
        .labels = {{.key = "team", .value = "x"}, {.key = "team", .value = "y"}},
        .pools = {{.name = "p", .nodes = 3}},
        .manifest = "m",
        .entry_point = "/bin/a",
        .steps = {{.created_by = "RUN x"}}},
       {.ref = "db/a:1", .layers = {"base:100=b", "a:5=a"}, .manifest = "m"},
       {.ref = "db/c:1", .layers = {"base:100=b", "c:9"}, .platform = "linux/arm64"}});
  REQUIRE(whole.images.size() == 2);
  const std::vector<ImageIndex> first = {IndexOf(whole, "web/a:1")};
  const FleetPart part =
      TakePart(whole, first, [](std::string_view ref) { return ref.starts_with("db/"); });
  REQUIRE(part.fleet.images.size() == 1);
  const Image& image = part.fleet.images[0];
  const Image& original = whole.images[first[0]];
  CHECK(part.fleet.name(image) == "db/a:1");
  CHECK(image.num_refs == 1);
  CHECK(image.identity == original.identity);
  CHECK(image.pulls == original.pulls);
  CHECK(part.fleet.text(image.platform) == "linux/amd64");
  CHECK(part.fleet.text(image.created) == "2020-01-01T00:00:00Z");
  CHECK(part.fleet.text(image.entry_point) == "/bin/a");
  CHECK(part.fleet.labels_of(image).size() == 2);
  CHECK(part.fleet.pools_of(image).size() == 1);
  CHECK(part.fleet.pools[0].nodes == 3);
  CHECK(part.fleet.history(image).size() == 1);
  REQUIRE(part.fleet.layers.size() == 2);
  for (LayerIndex l = 0; l < 2; ++l) {
    const Layer& layer = whole.layers[part.whole_layer[l]];
    CHECK(part.fleet.layers[l].digest == layer.digest);
    CHECK(part.fleet.layers[l].size == layer.size);
    CHECK(part.fleet.diff_ids[part.fleet.layers[l].diff_id] == whole.diff_ids[layer.diff_id]);
    CHECK(part.fleet.text(part.fleet.layers[l].created_by) == whole.text(layer.created_by));
  }
}

TEST_CASE("The part with all images is the whole", "[planner][fleet_part]") {
  std::mt19937_64 random(5);
  for (int round = 0; round < NumRounds(50); ++round) {
    const Fleet whole = BuildRandomFleet(MakeRandomFleet(random));
    std::vector<ImageIndex> all;
    for (ImageIndex i = 0; i < whole.images.size(); ++i) all.push_back(i);
    const FleetPart part = TakePart(whole, all);
    REQUIRE(part.fleet.images.size() == whole.images.size());
    CHECK(part.fleet.layer_references == whole.layer_references);
    CHECK(StoredBytes(part.fleet) == StoredBytes(whole));
    for (ImageIndex i : all) {
      CHECK(part.fleet.images[i].identity == whole.images[i].identity);
      CHECK(part.fleet.images[i].pulls == whole.images[i].pulls);
      CHECK(part.fleet.images[i].num_refs == whole.images[i].num_refs);
    }
    for (LayerIndex l = 0; l < whole.layers.size(); ++l) CHECK(part.whole_layer[l] == l);
  }
}

TEST_CASE("Contents of a part are those of its layers", "[planner][fleet_part]") {
  const ContentFleet whole = MakeContentFleet({{{.path = "a", .blob_bytes = 10}},
                                               {{.path = "b", .blob_bytes = 20}},
                                               {{.path = "c", .blob_bytes = 30}}},
                                              {{0, 1}, {0, 2}}, {1});
  const std::vector<ImageIndex> second = {IndexOf(whole.fleet, "app:101")};
  const FleetPart part = TakePart(whole.fleet, second);
  const LayerContents contents = ContentsOfPart(part, whole.contents);
  REQUIRE(contents.inventories.size() == 2);
  for (LayerIndex l = 0; l < 2; ++l) {
    const auto& expected = whole.contents.inventories[part.whole_layer[l]];
    REQUIRE(contents.inventories[l].has_value() == expected.has_value());
    if (expected) CHECK(contents.inventories[l]->entries.size() == expected->entries.size());
  }
}

}  // namespace
}  // namespace gneiss
