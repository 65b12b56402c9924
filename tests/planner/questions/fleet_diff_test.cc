#include "planner/questions/fleet_diff.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/random_fleet.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

FleetDiff Diff(const std::vector<TinyImage>& before, const std::vector<TinyImage>& after,
               Scope scope = Scope::kGlobal) {
  return DiffFleets(MakeTinyFleet(before), MakeTinyFleet(after), scope, /*layers_only=*/true);
}

using DiffLines = std::vector<std::string>;

// "CAUSE +NEW -GONE" of every cause that has a part.
DiffLines Causes(const FleetDiff& diff) {
  DiffLines lines;
  for (std::size_t c = 0; c < kNumChangeCauses; ++c) {
    const Growth& growth = diff.by_cause[c];
    if (growth.is_zero()) continue;
    lines.push_back(std::string(ChangeCauseName(static_cast<ChangeCause>(c))) + " +" +
                    std::to_string(growth.added) + " -" + std::to_string(growth.gone));
  }
  return lines;
}

// "KIND CAUSE REFS +NEW -GONE" of every image.
DiffLines Images(const FleetDiff& diff) {
  DiffLines lines;
  for (const ImageDiff& image : diff.images) {
    std::string line(ChangeKindName(image.change.kind));
    line.append(", ").append(ChangeCauseName(image.change.cause)).append(":");
    for (const std::string& ref : image.change.refs) line += " " + ref;
    lines.push_back(line + " +" + std::to_string(image.growth.added) + " -" +
                    std::to_string(image.growth.gone));
  }
  return lines;
}

// The base of two applications, and an application on it.
const std::vector<TinyImage> kFleetBefore = {{.ref = "debian:12", .layers = {"base:100"}},
                                             {.ref = "shop:1", .layers = {"base:100", "shop:40"}},
                                             {.ref = "site:1", .layers = {"base:100", "site:30"}}};

TEST_CASE("Equal fleets differ in nothing", "[planner][fleet_diff]") {
  const FleetDiff diff = Diff(kFleetBefore, kFleetBefore);
  CHECK(diff.growth.is_zero());
  CHECK(diff.images.empty());
  CHECK(diff.repositories.empty());
  CHECK(diff.num_changes[static_cast<std::size_t>(ChangeKind::kUnchanged)] == 3);
}

TEST_CASE("A new tag, a new repository and a removed one are told apart", "[planner][fleet_diff]") {
  std::vector<TinyImage> after = {kFleetBefore[0], kFleetBefore[1]};
  after.push_back({.ref = "shop:2", .layers = {"base:100", "shop2:41"}});
  after.push_back({.ref = "blog:1", .layers = {"base:100", "blog:7"}});
  after.push_back({.ref = "shop:1", .layers = {"arm:90"}, .platform = "linux/arm64"});
  const FleetDiff diff = Diff(kFleetBefore, after);
  CHECK(Causes(diff) == DiffLines{"new repository +7 -0", "new platform +90 -0", "new tag +41 -0",
                                  "removed repository +0 -30"});
  CHECK(Images(diff) == DiffLines{"added, new platform: shop:1 +90 -0",
                                  "added, new tag: shop:2 +41 -0",
                                  "removed, removed repository: site:1 +0 -30",
                                  "added, new repository: blog:1 +7 -0"});
}

TEST_CASE("A base that changed is told from what was rebuilt on it", "[planner][fleet_diff]") {
  const FleetDiff diff = Diff(
      kFleetBefore, {{.ref = "debian:12", .layers = {"base2:110"}, .manifest = "d2"},
                     {.ref = "shop:1", .layers = {"base2:110", "shop2:44"}, .manifest = "s2"},
                     {.ref = "site:1", .layers = {"base2:110", "site2:30"}, .manifest = "t2"}});
  // debian:12 is one layer and all its own.
  CHECK(Causes(diff) == DiffLines{"changed base +73 -66", "rebuilt on a changed base +74 -70",
                                  "changed own layers +37 -34"});
  CHECK(diff.growth.net() == 14);
  for (const ImageDiff& image : diff.images) {
    const bool is_base = image.change.refs.front() == "debian:12";
    CHECK(image.change.base_changed() != is_base);
    CHECK(image.change.num_same == 0);
  }
}

TEST_CASE("Own layers change on the base that an image had", "[planner][fleet_diff]") {
  const FleetDiff diff =
      Diff(kFleetBefore, {kFleetBefore[0],
                          {.ref = "shop:1", .layers = {"base:100", "shop2:44"}, .manifest = "s2"},
                          kFleetBefore[2]});
  CHECK(Images(diff) == DiffLines{"moved, changed own layers: shop:1 +44 -40"});
  CHECK(diff.images[0].change.num_same == 1);
  CHECK(diff.images[0].change.base_before == 1);
  CHECK(diff.images[0].change.base_after == 1);
  CHECK(diff.images[0].brings == 44);
}

TEST_CASE("Layers compressed anew are named as such", "[planner][fleet_diff]") {
  const FleetDiff diff = Diff({{.ref = "a:1", .layers = {"x:100=x", "y:10=y"}, .manifest = "1"}},
                              {{.ref = "a:1", .layers = {"z:70=x", "y:10=y"}, .manifest = "2"}});
  CHECK(Causes(diff) == DiffLines{"recompressed +70 -100"});
  CHECK(Images(diff) == DiffLines{"moved, recompressed: a:1 +70 -100"});
}

TEST_CASE("Several layers where one stood are sharing that was lost", "[planner][fleet_diff]") {
  const FleetDiff diff = Diff({{.ref = "a:1", .layers = {"base:100", "lib:50"}, .manifest = "1"},
                               {.ref = "b:1", .layers = {"base:100", "lib:50"}, .manifest = "2"},
                               {.ref = "base:1", .layers = {"base:100"}}},
                              {{.ref = "a:1", .layers = {"base:100", "lib1:52"}, .manifest = "3"},
                               {.ref = "b:1", .layers = {"base:100", "lib2:51"}, .manifest = "4"},
                               {.ref = "base:1", .layers = {"base:100"}}});
  // The larger one took the place of the layer that both had.
  CHECK(Causes(diff) == DiffLines{"changed own layers +52 -50", "lost sharing +51 -0"});
}

TEST_CASE("A ref that moves to an image that is there costs nothing", "[planner][fleet_diff]") {
  const FleetDiff diff = Diff({{.ref = "a:1", .layers = {"x:5"}, .manifest = "1"},
                               {.ref = "a:latest", .layers = {"x:5"}, .manifest = "1"},
                               {.ref = "a:2", .layers = {"y:6"}, .manifest = "2"}},
                              {{.ref = "a:1", .layers = {"x:5"}, .manifest = "1"},
                               {.ref = "a:latest", .layers = {"y:6"}, .manifest = "2"},
                               {.ref = "a:2", .layers = {"y:6"}, .manifest = "2"}});
  CHECK(Images(diff) == DiffLines{"moved, changed own layers: a:latest +0 -0"});
}

TEST_CASE("Bytes are split to the last one over images that share them", "[planner][fleet_diff]") {
  const FleetDiff diff = Diff({{.ref = "a:1", .layers = {"x:1"}}},
                              {{.ref = "a:1", .layers = {"x:1"}},
                               {.ref = "b:1", .layers = {"new:11"}, .manifest = "n1"},
                               {.ref = "b:2", .layers = {"new:11"}, .manifest = "n2"},
                               {.ref = "b:3", .layers = {"new:11"}, .manifest = "n3"}});
  CHECK(Images(diff) == DiffLines{"added, new repository: b:1 +4 -0",
                                  "added, new repository: b:2 +4 -0",
                                  "added, new repository: b:3 +3 -0"});
}

TEST_CASE("Where repositories are stores, a copy of an image is stored again",
          "[planner][fleet_diff]") {
  const std::vector<TinyImage> before = {{.ref = "dev/a:1", .layers = {"x:5"}, .manifest = "1"}};
  std::vector<TinyImage> after = before;
  after.push_back({.ref = "prod/a:1", .layers = {"x:5"}, .manifest = "1"});
  CHECK(Images(Diff(before, after)) ==
        DiffLines{"added, new name of a known image: prod/a:1 +0 -0"});
  CHECK(Images(Diff(before, after, Scope::kNamespace)) ==
        DiffLines{"added, new name of a known image: prod/a:1 +5 -0"});
  CHECK(Images(Diff(before, after, Scope::kRepository)) ==
        DiffLines{"added, new name of a known image: prod/a:1 +5 -0"});
}

TEST_CASE("A digest of two sizes is an error", "[planner][fleet_diff]") {
  CHECK_THROWS_WITH(Diff({{.ref = "a:1", .layers = {"x:5"}}}, {{.ref = "a:1", .layers = {"x:6"}}}),
                    FormatDigest(NamedDigest("x")) +
                        ": expected one size, found 5 bytes in the first SOURCE and 6 in the "
                        "second; one of them is wrong");
}

// What storage holds, told plainly: every blob of every cell with its size.
using PlainStore = std::map<std::tuple<std::string, int, Digest>, Bytes>;

PlainStore StoreOf(const Fleet& fleet, Scope scope, bool layers_only) {
  PlainStore store;
  const ImageGroups cells = ScopeCells(fleet, scope);
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    for (const GroupIndex cell : cells.of(i)) {
      const std::string& name = cells.names[cell];
      for (const LayerIndex l : fleet.chain(image)) {
        store[{name, 0, fleet.layers[l].digest}] = fleet.layers[l].size;
      }
      if (layers_only) continue;
      store[{name, 1, image.config_digest}] = std::max<Bytes>(0, image.config_size);
      store[{name, 2, image.identity}] = std::max<Bytes>(0, image.manifest_size);
    }
  }
  return store;
}

// The same fleet some time later: images gone, come, and with other layers under their refs.
RandomFleet Later(const RandomFleet& before, std::mt19937_64& random) {
  RandomFleet after = before;
  std::erase_if(after.images, [&](const RandomImage&) { return random() % 4 == 0; });
  for (RandomImage& image : after.images) {
    if (random() % 2 == 0) continue;
    image.manifest += " later";
    for (std::uint32_t& l : image.layers) {
      if (random() % 3 == 0) l = static_cast<std::uint32_t>(random() % before.layer_sizes.size());
    }
    if (random() % 3 == 0) image.refs.push_back("new/app:1");
  }
  if (after.images.empty()) after.images.push_back(before.images.front());
  return after;
}

TEST_CASE("Parts sum to the growth, whatever the fleets and the scope", "[planner][fleet_diff]") {
  std::mt19937_64 random(20261);
  for (int round = 0; round < 400; ++round) {
    const RandomFleet made = MakeRandomFleet(random);
    const Fleet before = BuildRandomFleet(made);
    const Fleet after = BuildRandomFleet(Later(made, random));
    for (const Scope scope : {Scope::kGlobal, Scope::kNamespace, Scope::kRepository}) {
      const bool layers_only = round % 2 == 0;
      const FleetDiff diff = DiffFleets(before, after, scope, layers_only);
      const PlainStore old_store = StoreOf(before, scope, layers_only);
      const PlainStore new_store = StoreOf(after, scope, layers_only);
      Bytes added = 0;
      Bytes gone = 0;
      for (const auto& [key, size] : new_store) added += old_store.contains(key) ? 0 : size;
      for (const auto& [key, size] : old_store) gone += new_store.contains(key) ? 0 : size;
      // A blob whose size only one side knows counts in both or neither, never by half.
      const Growth unknown = diff.by_cause[static_cast<std::size_t>(ChangeCause::kOtherSize)];
      CHECK(diff.growth.added - unknown.added == added);
      CHECK(diff.growth.gone - unknown.gone == gone);
      Growth by_image;
      Growth by_repository;
      Growth by_cause;
      for (const ImageDiff& image : diff.images) by_image += image.growth;
      for (const RepositoryDiff& repository : diff.repositories) {
        by_repository += repository.growth;
      }
      for (const Growth& growth : diff.by_cause) by_cause += growth;
      for (const Growth& sum : {by_image, by_repository, by_cause}) {
        CHECK(sum.added == diff.growth.added);
        CHECK(sum.gone == diff.growth.gone);
      }
      // Backwards, what came is what went.
      const FleetDiff back = DiffFleets(after, before, scope, layers_only);
      CHECK(back.growth.added == diff.growth.gone);
      CHECK(back.growth.gone == diff.growth.added);
      CHECK(DiffFleets(after, after, scope, layers_only).images.empty());
    }
  }
}

}  // namespace
}  // namespace gneiss
