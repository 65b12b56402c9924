#include "planner/fleet/accounting.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/fleet/fleet_builder.h"
#include "tests/make/random_fleet.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

constexpr std::array<Scope, 3> kScopes = {Scope::kGlobal, Scope::kNamespace, Scope::kRepository};
constexpr std::array<GroupBy, 4> kGroupings = {GroupBy::kFleet, GroupBy::kNamespace,
                                               GroupBy::kRepository, GroupBy::kPlatform};

Accounting AccountIn(const Fleet& fleet, Scope scope, bool layers_only = false) {
  return AccountFor(fleet, BuildSharingGraph(fleet, ScopeCells(fleet, scope), layers_only));
}

std::vector<GroupAccount> GroupAccounts(const Fleet& fleet, Scope scope, GroupBy by,
                                        bool layers_only = false) {
  const ImageGroups cells = ScopeCells(fleet, scope);
  const SharingGraph sharing = BuildSharingGraph(fleet, cells, layers_only);
  const ImageGroups groups = GroupImages(fleet, by);
  return AccountForGroups(sharing, AccountFor(fleet, sharing), groups,
                          PlaceImages(fleet, cells, groups));
}

GroupAccount Named(const std::vector<GroupAccount>& accounts, const std::string& name) {
  for (const GroupAccount& account : accounts) {
    if (account.name == name) return account;
  }
  FAIL("no group " << name);
  return {};
}

// Distinct blobs per cell, straight from the records: what a registry holds.
Bytes PhysicalByHand(const Fleet& fleet, Scope scope, bool layers_only) {
  const ImageGroups cells = ScopeCells(fleet, scope);
  std::map<std::pair<GroupIndex, std::string>, Bytes> blobs;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    for (const GroupIndex cell : cells.of(i)) {
      for (const LayerIndex l : fleet.chain(image)) {
        blobs[{cell, FormatDigest(fleet.layers[l].digest)}] = fleet.layers[l].size;
      }
      if (layers_only) continue;
      blobs[{cell, "config " + FormatDigest(image.config_digest)}] =
          std::max<Bytes>(0, image.config_size);
      blobs[{cell, FormatDigest(image.identity)}] = std::max<Bytes>(0, image.manifest_size);
    }
  }
  Bytes sum = 0;
  for (const auto& [key, size] : blobs) sum += size;
  return sum;
}

TEST_CASE("Two images on one base account for it together", "[planner][accounting]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"base:101", "a:10"}},
                                     {.ref = "b:1", .layers = {"base:101", "b:20"}}});
  const Accounting accounting = AccountIn(fleet, Scope::kGlobal);
  CHECK(accounting.totals.images == 2);
  CHECK(accounting.totals.layers == 3);
  CHECK(accounting.totals.layer_references == 4);
  CHECK(accounting.totals.single_image_layers == 2);
  CHECK(accounting.totals.max_layers == 2);
  CHECK(accounting.totals.mean_layers == 2.0);
  CHECK(accounting.totals.logical_bytes == 232);
  CHECK(accounting.totals.physical_bytes == 131);
  CHECK(accounting.totals.components == 1);
  CHECK(accounting.totals.largest_component_images == 2);
  const Account& a = accounting.images[0];
  CHECK(a.size == 111);
  CHECK(a.exclusive == 10);
  CHECK(a.shared == 101);
  // The odd byte of the base goes to the first of equals.
  CHECK(a.proportional == 10 + 51);
  CHECK(accounting.images[1].proportional == 20 + 50);
}

TEST_CASE("A layer that a manifest repeats is logical twice and held once",
          "[planner][accounting]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"x:7", "y:5", "x:7"}}});
  const Accounting accounting = AccountIn(fleet, Scope::kGlobal);
  CHECK(accounting.totals.logical_bytes == 19);
  CHECK(accounting.totals.repeated_bytes == 7);
  CHECK(accounting.totals.physical_bytes == 12);
  CHECK(accounting.images[0].size == 12);
  CHECK(accounting.totals.single_image_layers == 2);
}

TEST_CASE("Twins cost what all but the smallest of them weigh", "[planner][accounting]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "a:1", .layers = {"gzip:30=tree"}}, {.ref = "b:1", .layers = {"zstd:20=tree"}}});
  const FleetTotals totals = AccountIn(fleet, Scope::kGlobal).totals;
  CHECK(totals.diff_ids == 1);
  CHECK(totals.twin_layers == 2);
  CHECK(totals.twin_bytes == 30);
}

TEST_CASE("Foreign layers are layers and no bytes", "[planner][accounting]") {
  FleetBuilder builder;
  ImageRecord record;
  record.ref = "win:1";
  record.layers.resize(2);
  record.layers[0].digest = NamedDigest("windows");
  record.layers[0].size = 1000;
  record.layers[0].foreign = true;
  record.layers[1].digest = NamedDigest("app");
  record.layers[1].size = 3;
  builder.Add(record);
  const Accounting accounting = AccountIn(builder.Build(), Scope::kGlobal);
  CHECK(accounting.totals.layers == 2);
  CHECK(accounting.totals.foreign_bytes == 1000);
  CHECK(accounting.totals.logical_bytes == 3);
  CHECK(accounting.totals.physical_bytes == 3);
}

TEST_CASE("A config weighs the same for all its images when one of them tells its size",
          "[planner][accounting]") {
  for (const bool first_knows : {true, false}) {
    FleetBuilder builder;
    for (const bool first : {true, false}) {
      ImageRecord record;
      record.ref = first ? "a:1" : "b:1";
      record.manifest_digest = NamedDigest(record.ref);
      record.config_digest = NamedDigest("config");
      if (first == first_knows) record.config_size = 30;
      builder.Add(record);
    }
    const Accounting accounting = AccountIn(builder.Build(), Scope::kGlobal);
    CHECK(accounting.totals.physical_bytes == 30);
    CHECK(accounting.totals.logical_bytes == 60);
    CHECK(accounting.images[0].size == 30);
    CHECK(accounting.images[1].size == 30);
  }
}

TEST_CASE("A repository of a per-repository store pays for its own copy alone",
          "[planner][accounting]") {
  // One image, promoted from dev to prod; dev has a neighbour that shares its layer.
  const std::vector<TinyImage> images = {
      {.ref = "dev/app:1", .layers = {"l:100"}, .manifest = "m"},
      {.ref = "prod/app:1", .layers = {"l:100"}, .manifest = "m"},
      {.ref = "dev/app:2", .layers = {"l:100", "x:8"}}};
  const Fleet fleet = MakeTinyFleet(images);
  REQUIRE(fleet.images.size() == 2);

  const auto apart = GroupAccounts(fleet, Scope::kRepository, GroupBy::kRepository);
  CHECK(Named(apart, "prod/app").logical == 100);
  CHECK(Named(apart, "dev/app").logical == 208);
  CHECK(Named(apart, "prod/app").account.exclusive == 100);
  CHECK(Named(apart, "dev/app").account.size == 108);
  CHECK(Named(apart, "dev/app").account.exclusive == 108);
  // Whatever the image holds in one cell, its share is split by what it pays in each.
  CHECK(Named(apart, "prod/app").account.proportional +
            Named(apart, "dev/app").account.proportional ==
        208);
  CHECK(Named(apart, "prod/app").account.proportional == 100);

  // In one store the layer goes only when both repositories let it go.
  const auto together = GroupAccounts(fleet, Scope::kGlobal, GroupBy::kRepository);
  CHECK(Named(together, "prod/app").account.exclusive == 0);
  CHECK(Named(together, "prod/app").account.shared == 100);
  CHECK(Named(together, "prod/app").account.proportional == 25);
  CHECK(Named(together, "dev/app").account.exclusive == 8);
  CHECK(Named(together, "dev/app").account.proportional == 83);
}

TEST_CASE("Groups come by proportional share, then by name", "[planner][accounting]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "b:1", .layers = {"b:10"}},
                                     {.ref = "a:1", .layers = {"a:10"}},
                                     {.ref = "c:1", .layers = {"c:11"}}});
  const auto accounts = GroupAccounts(fleet, Scope::kGlobal, GroupBy::kRepository);
  REQUIRE(accounts.size() == 3);
  CHECK(accounts[0].name == "c");
  CHECK(accounts[1].name == "a");
  CHECK(accounts[2].name == "b");
}

TEST_CASE("Rounded shares sum to the total and follow the largest remainders",
          "[planner][accounting]") {
  CHECK(RoundShares(10, {3, 3, 3}, {0.2, 0.5, 0.3}) == std::vector<Bytes>{3, 4, 3});
  CHECK(RoundShares(12, {3, 3, 3}, {1.0, 1.0, 1.0}) == std::vector<Bytes>{4, 4, 4});
  // A byte too many, by rounding in the fractions, is taken from the smallest remainder above zero.
  CHECK(RoundShares(3, {2, 2, 0}, {0.0, 0.0, 0.0}) == std::vector<Bytes>{2, 1, 0});
  CHECK(RoundShares(0, {}, {}).empty());
}

TEST_CASE("Physical bytes and shares add up in every scope and grouping", "[planner][accounting]") {
  std::mt19937_64 random(20240101);
  for (int round = 0; round < NumRounds(400); ++round) {
    const Fleet fleet = BuildRandomFleet(MakeRandomFleet(random));
    const bool layers_only = round % 2 == 0;
    for (const Scope scope : kScopes) {
      const Accounting accounting = AccountIn(fleet, scope, layers_only);
      const Bytes physical = accounting.totals.physical_bytes;
      CAPTURE(round, ScopeName(scope), layers_only);
      REQUIRE(physical == PhysicalByHand(fleet, scope, layers_only));
      REQUIRE(physical == accounting.totals.layer_bytes + accounting.totals.config_bytes +
                              accounting.totals.manifest_bytes);
      Bytes logical = 0;
      for (const Bytes size : accounting.logical) logical += size;
      REQUIRE(logical == accounting.totals.logical_bytes - accounting.totals.repeated_bytes);
      Bytes shares = 0;
      for (const Account& account : accounting.images) {
        REQUIRE(account.size == account.exclusive + account.shared);
        REQUIRE(account.exclusive <= account.proportional);
        shares += account.proportional;
      }
      REQUIRE(shares == physical);
      for (const GroupBy by : kGroupings) {
        Bytes group_shares = 0;
        Bytes exclusive = 0;
        for (const GroupAccount& group : GroupAccounts(fleet, scope, by, layers_only)) {
          REQUIRE(group.account.size == group.account.exclusive + group.account.shared);
          group_shares += group.account.proportional;
          exclusive += group.account.exclusive;
        }
        REQUIRE(group_shares == physical);
        REQUIRE(exclusive <= physical);
      }
    }
  }
}

TEST_CASE("Exclusive bytes are what the fleet without the image does not hold",
          "[planner][accounting]") {
  std::mt19937_64 random(7);
  for (int round = 0; round < NumRounds(300); ++round) {
    const RandomFleet made = MakeRandomFleet(random);
    const Fleet fleet = BuildRandomFleet(made);
    const bool layers_only = round % 2 == 0;
    for (const Scope scope : kScopes) {
      const Accounting accounting = AccountIn(fleet, scope, layers_only);
      for (std::size_t i = 0; i < made.images.size(); ++i) {
        const Fleet without = BuildRandomFleet(made, std::uint64_t{1} << i);
        CAPTURE(round, ScopeName(scope), i);
        REQUIRE(accounting.images[IndexIn(fleet, made, i)].exclusive ==
                accounting.totals.physical_bytes - PhysicalByHand(without, scope, layers_only));
      }
    }
  }
}

TEST_CASE("Bytes freed by any set of images are what the rest does not hold",
          "[planner][accounting]") {
  std::mt19937_64 random(8);
  for (int round = 0; round < NumRounds(300); ++round) {
    const RandomFleet made = MakeRandomFleet(random);
    const Fleet fleet = BuildRandomFleet(made);
    const bool layers_only = round % 2 == 0;
    const std::uint64_t omit = random() & ((std::uint64_t{1} << made.images.size()) - 1);
    std::vector<ImageIndex> images;
    for (std::size_t i = 0; i < made.images.size(); ++i) {
      if ((omit >> i & 1) != 0) images.push_back(IndexIn(fleet, made, i));
    }
    for (const Scope scope : kScopes) {
      const SharingGraph sharing = BuildSharingGraph(fleet, ScopeCells(fleet, scope), layers_only);
      CAPTURE(round, ScopeName(scope), omit);
      REQUIRE(FreedBy(sharing, images) ==
              PhysicalByHand(fleet, scope, layers_only) -
                  PhysicalByHand(BuildRandomFleet(made, omit), scope, layers_only));
    }
  }
}

TEST_CASE("Exclusive bytes of a repository are what is gone without its refs",
          "[planner][accounting]") {
  std::mt19937_64 random(9);
  for (int round = 0; round < NumRounds(200); ++round) {
    const RandomFleet made = MakeRandomFleet(random);
    const Fleet fleet = BuildRandomFleet(made);
    for (const Scope scope : kScopes) {
      const Bytes physical = PhysicalByHand(fleet, scope, true);
      for (const GroupAccount& group : GroupAccounts(fleet, scope, GroupBy::kRepository, true)) {
        // Images whose last ref goes are deleted; those without a ref are a group of their own.
        RandomFleet rest = made;
        std::uint64_t omit = 0;
        for (std::size_t i = 0; i < rest.images.size(); ++i) {
          std::vector<std::string>& refs = rest.images[i].refs;
          const bool had_ref = !refs.empty();
          std::erase_if(
              refs, [&](const std::string& ref) { return SplitRef(ref).repository == group.name; });
          const bool goes = had_ref ? refs.empty() : group.name == "(no ref)";
          if (goes) omit |= std::uint64_t{1} << i;
        }
        CAPTURE(round, ScopeName(scope), group.name);
        REQUIRE(group.account.exclusive ==
                physical - PhysicalByHand(BuildRandomFleet(rest, omit), scope, true));
      }
    }
  }
}

}  // namespace
}  // namespace gneiss
