#include "planner/fleet/sharing_graph.h"

#include <map>
#include <random>
#include <set>
#include <vector>

#include <boost/range/iterator_range.hpp>
#include <catch2/catch.hpp>

#include "tests/make/random_fleet.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

SharingGraph GraphOf(const Fleet& fleet, Scope scope, bool layers_only) {
  return BuildSharingGraph(fleet, ScopeCells(fleet, scope), layers_only);
}

// Images reachable from each other over shared layers, by flooding.
std::vector<std::uint32_t> ComponentsByHand(const Fleet& fleet) {
  std::vector<std::uint32_t> component(fleet.images.size(), kNone);
  std::uint32_t count = 0;
  const auto shares = [&](ImageIndex a, ImageIndex b) {
    for (const LayerIndex l : fleet.chain(fleet.images[a])) {
      for (const LayerIndex m : fleet.chain(fleet.images[b])) {
        if (l == m) return true;
      }
    }
    return false;
  };
  for (ImageIndex first = 0; first < component.size(); ++first) {
    if (component[first] != kNone) continue;
    std::vector<ImageIndex> open = {first};
    component[first] = count;
    while (!open.empty()) {
      const ImageIndex i = open.back();
      open.pop_back();
      for (ImageIndex j = 0; j < component.size(); ++j) {
        if (component[j] == kNone && shares(i, j)) {
          component[j] = count;
          open.push_back(j);
        }
      }
    }
    ++count;
  }
  return component;
}

TEST_CASE("An image holds a digest once however often its manifest lists it",
          "[planner][sharing_graph]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"x:1", "y:2", "x:1"}}});
  const SharingGraph sharing = GraphOf(fleet, Scope::kGlobal, true);
  CHECK(sharing.num_images == 1);
  CHECK(sharing.blobs.size() == 2);
  CHECK(sharing.num_edges() == 2);
  CHECK(sharing.num_holders(0) == 1);
}

TEST_CASE("Configs are shared by digest and manifests by nobody", "[planner][sharing_graph]") {
  FleetBuilder builder;
  for (const char* const ref : {"a:1", "b:1"}) {
    ImageRecord record;
    record.ref = ref;
    record.manifest_digest = NamedDigest(ref);
    record.manifest_size = 5;
    record.config_digest = NamedDigest("config");
    record.config_size = 3;
    builder.Add(record);
  }
  const SharingGraph sharing = GraphOf(builder.Build(), Scope::kGlobal, false);
  std::map<BlobKind, std::vector<std::uint32_t>> holders;
  for (std::uint32_t b = 0; b < sharing.blobs.size(); ++b) {
    holders[sharing.blobs[b].kind].push_back(sharing.num_holders(b));
  }
  CHECK(holders[BlobKind::kLayer].empty());
  CHECK(holders[BlobKind::kConfig] == std::vector<std::uint32_t>{2});
  CHECK(holders[BlobKind::kManifest] == std::vector<std::uint32_t>{1, 1});
}

TEST_CASE("A blob is stored once in every cell that holds it", "[planner][sharing_graph]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "one/a:1", .layers = {"x:1"}},
                                     {.ref = "one/b:1", .layers = {"x:1"}},
                                     {.ref = "two/a:1", .layers = {"x:1"}}});
  CHECK(GraphOf(fleet, Scope::kGlobal, true).blobs.size() == 1);
  CHECK(GraphOf(fleet, Scope::kNamespace, true).blobs.size() == 2);
  CHECK(GraphOf(fleet, Scope::kRepository, true).blobs.size() == 3);
}

TEST_CASE("Edges and holders are those of the manifests in every scope",
          "[planner][sharing_graph]") {
  std::mt19937_64 random(11);
  for (int round = 0; round < NumRounds(200); ++round) {
    const Fleet fleet = BuildRandomFleet(MakeRandomFleet(random));
    for (const Scope scope : {Scope::kGlobal, Scope::kNamespace, Scope::kRepository}) {
      const ImageGroups cells = ScopeCells(fleet, scope);
      std::set<std::tuple<ImageIndex, GroupIndex, LayerIndex>> expected;
      for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
        for (const GroupIndex cell : cells.of(i)) {
          for (const LayerIndex l : fleet.chain(fleet.images[i])) expected.insert({i, cell, l});
        }
      }
      const SharingGraph sharing = BuildSharingGraph(fleet, cells, true);
      std::set<std::tuple<ImageIndex, GroupIndex, LayerIndex>> found;
      for (const auto edge : boost::make_iterator_range(boost::edges(sharing.graph))) {
        const StoredBlob& blob = sharing.blob_at(boost::target(edge, sharing.graph));
        found.insert({boost::source(edge, sharing.graph), blob.cell, blob.index});
      }
      REQUIRE(found == expected);
      REQUIRE(sharing.num_edges() == expected.size());
    }
  }
}

TEST_CASE("Components are those that flooding finds", "[planner][sharing_graph]") {
  std::mt19937_64 random(12);
  std::set<std::uint32_t> counts;
  for (int round = 0; round < NumRounds(300); ++round) {
    const Fleet fleet = BuildRandomFleet(MakeRandomFleet(random, 10));
    const Components components = FindComponents(GraphOf(fleet, Scope::kGlobal, true));
    const std::vector<std::uint32_t> expected = ComponentsByHand(fleet);
    REQUIRE(components.of_image == expected);
    std::map<std::uint32_t, std::uint32_t> sizes;
    for (const std::uint32_t c : expected) ++sizes[c];
    std::uint32_t largest = 0;
    for (const auto& [component, size] : sizes) largest = std::max(largest, size);
    REQUIRE(components.count == sizes.size());
    REQUIRE(components.largest_images == largest);
    counts.insert(components.count);
  }
  CHECK(counts.size() > 3);  // the fleets are of all sorts
}

}  // namespace
}  // namespace gneiss
