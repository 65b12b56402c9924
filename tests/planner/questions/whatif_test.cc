#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/fleet/accounting.h"
#include "planner/fleet/ref_selection.h"
#include "planner/questions/addition.h"
#include "planner/questions/base_move.h"
#include "planner/questions/deletion.h"
#include "planner/questions/free_space.h"
#include "planner/questions/retention.h"
#include "tests/make/random_fleet.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

constexpr std::array<Scope, 3> kAllScopes = {Scope::kGlobal, Scope::kNamespace, Scope::kRepository};

Bytes StoredBy(const Fleet& fleet, Scope scope, bool layers_only) {
  const SharingGraph sharing = BuildSharingGraph(fleet, ScopeCells(fleet, scope), layers_only);
  Bytes stored = 0;
  for (const StoredBlob& blob : sharing.blobs) stored += blob.size;
  return stored;
}

Deletion DeletionIn(const Fleet& fleet, Scope scope, bool layers_only,
                    const RefSelection& selection) {
  const ImageGroups cells = ScopeCells(fleet, scope);
  return CountDeletion(fleet, cells, BuildSharingGraph(fleet, cells, layers_only), selection);
}

RefSelection Selected(const Fleet& fleet, const std::vector<std::string>& patterns) {
  SelectedRefs selected = SelectRefs(fleet, patterns);
  REQUIRE(selected.unmatched.empty());
  return std::move(selected.selection);
}

// `made` without some refs and some whole images.
struct Deleted {
  RandomFleet left;
  std::vector<std::string> refs;
  std::vector<std::size_t> images;
};

Deleted DeleteSome(const RandomFleet& made, std::mt19937_64& random) {
  Deleted deleted;
  deleted.left.layer_sizes = made.layer_sizes;
  for (std::size_t i = 0; i < made.images.size(); ++i) {
    RandomImage image = made.images[i];
    image.refs.clear();
    for (const std::string& ref : made.images[i].refs) {
      auto& to = random() % 2 == 0 ? deleted.refs : image.refs;
      to.push_back(ref);
    }
    const bool is_gone = made.images[i].refs.empty() ? random() % 2 == 0 : image.refs.empty();
    if (is_gone && made.images[i].refs.empty()) deleted.images.push_back(i);
    if (!is_gone) deleted.left.images.push_back(std::move(image));
  }
  return deleted;
}

TEST_CASE("Deleting refs frees what a fleet without them lacks", "[planner][deletion]") {
  std::mt19937_64 random(31);
  int partly = 0;
  int joint = 0;
  for (int round = 0; round < NumRounds(600); ++round) {
    const RandomFleet made = MakeRandomFleet(random);
    const Deleted deleted = DeleteSome(made, random);
    const Fleet fleet = BuildRandomFleet(made);
    const Fleet left = BuildRandomFleet(deleted.left);
    RefSelection selection(fleet);
    for (std::size_t r = 0; r < fleet.refs.size(); ++r) {
      const std::string ref(fleet.text(fleet.refs[r]));
      selection.refs[r] = std::ranges::find(deleted.refs, ref) != deleted.refs.end() ? 1 : 0;
    }
    for (const std::size_t i : deleted.images) selection.images[IndexIn(fleet, made, i)] = 1;
    for (const Scope scope : kAllScopes) {
      for (const bool layers_only : {false, true}) {
        const Deletion deletion = DeletionIn(fleet, scope, layers_only, selection);
        REQUIRE(deletion.stored == StoredBy(fleet, scope, layers_only));
        REQUIRE(deletion.freed() == deletion.stored - StoredBy(left, scope, layers_only));
        REQUIRE(deletion.num_leaving_fleet ==
                static_cast<std::int64_t>(fleet.images.size() - left.images.size()));
        Bytes shares = 0;
        Bytes exclusive = 0;
        for (const LeavingImage& image : deletion.images) {
          shares += image.joint_share;
          exclusive += image.exclusive;
          REQUIRE(image.size >= image.exclusive + image.staying);
        }
        REQUIRE(shares == deletion.joint);
        REQUIRE(exclusive == deletion.exclusive);
        partly += deletion.partly.empty() ? 0 : 1;
        joint += deletion.joint > 0 ? 1 : 0;
      }
    }
  }
  CHECK(partly > 0);
  CHECK(joint > 0);
}

TEST_CASE("Images that go together free more than one by one, split evenly",
          "[planner][deletion]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"base:101", "a:10"}},
                                     {.ref = "b:1", .layers = {"base:101", "b:20"}},
                                     {.ref = "c:1", .layers = {"other:7"}}});
  const Deletion deletion = DeletionIn(fleet, Scope::kGlobal, true, Selected(fleet, {"[ab]:*"}));
  CHECK(deletion.exclusive == 30);
  CHECK(deletion.joint == 101);
  REQUIRE(deletion.images.size() == 2);
  CHECK(deletion.images[0].freed_share() == 10 + 51);
  CHECK(deletion.images[1].freed_share() == 20 + 50);
}

TEST_CASE("An image stays while one of its refs does", "[planner][deletion]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"x:10"}, .manifest = "m"},
                                     {.ref = "a:latest", .layers = {"x:10"}, .manifest = "m"},
                                     {.ref = "b:1", .layers = {"x:10"}, .manifest = "m"}});
  const Deletion one = DeletionIn(fleet, Scope::kGlobal, true, Selected(fleet, {"a:1"}));
  CHECK(one.images.empty());
  REQUIRE(one.partly.size() == 1);
  CHECK(one.partly[0].num_refs_deleted == 1);
  CHECK(one.partly[0].num_refs_left == 2);
  // Where repositories are cells, it leaves one of them.
  const Deletion both = DeletionIn(fleet, Scope::kRepository, true, Selected(fleet, {"a:*"}));
  CHECK(both.freed() == 10);
  REQUIRE(both.images.size() == 1);
  CHECK_FALSE(both.images[0].leaves_fleet);
  CHECK(DeletionIn(fleet, Scope::kGlobal, true, Selected(fleet, {"a:*"})).freed() == 0);
}

TEST_CASE("Patterns select by ref, by digest and by digest in a repository",
          "[planner][deletion]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "h.io/a:1", .layers = {"x:1"}, .manifest = "m"},
                                     {.ref = "b:1", .layers = {"x:1"}, .manifest = "m"},
                                     {.ref = "c:1", .layers = {"y:1"}}});
  const std::string digest = FormatDigest(NamedDigest("manifest m"));
  CHECK(ListSelection(fleet, Selected(fleet, {"?:1"}), false).names ==
        std::vector<std::string>{"b:1", "c:1"});
  CHECK(ListSelection(fleet, Selected(fleet, {digest}), false).names ==
        std::vector<std::string>{"b@" + digest, "h.io/a@" + digest});
  CHECK(ListSelection(fleet, Selected(fleet, {"h.io/a@" + digest}), false).names ==
        std::vector<std::string>{"h.io/a:1"});
  CHECK(SelectRefs(fleet, std::vector<std::string>{"c:1", "d:1"}).unmatched ==
        std::vector<std::string>{"d:1"});
}

TEST_CASE("What is listed for deletion takes nothing along that stays", "[planner][deletion]") {
  // One tag of two platforms.
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "h/a:1", .layers = {"x:1"}, .manifest = "amd"},
       {.ref = "h/a:1", .layers = {"y:1"}, .platform = "linux/arm64", .manifest = "arm"},
       {.ref = "h/a:2", .layers = {"y:1"}, .platform = "linux/arm64", .manifest = "arm"}});
  const auto lists = [&](std::vector<std::string> refs, bool is_part = false) {
    RefSelection goes(fleet);
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      const auto names = fleet.refs_of(fleet.images[i]);
      for (std::size_t r = 0; r < names.size(); ++r) {
        const std::string name = std::string(fleet.text(names[r])) + " " +
                                 std::string(fleet.text(fleet.images[i].platform));
        if (std::ranges::find(refs, name) != refs.end()) {
          goes.refs[fleet.images[i].first_ref + r] = 1;
        }
      }
    }
    return ListSelection(fleet, goes, is_part);
  };
  const std::string amd = "h/a@" + FormatDigest(NamedDigest("manifest amd"));
  const std::string arm = "h/a@" + FormatDigest(NamedDigest("manifest arm"));
  using List = std::vector<std::string>;
  // Both platforms go: the tag. One of them: its manifest.
  CHECK(lists({"h/a:1 linux/amd64", "h/a:1 linux/arm64"}).names == List{"h/a:1"});
  CHECK(lists({"h/a:1 linux/amd64"}).names == List{amd});
  CHECK(lists({"h/a:1 linux/arm64", "h/a:2 linux/arm64"}).names == List{"h/a:2", arm});
  // Its manifest has another tag there.
  CHECK(lists({"h/a:1 linux/arm64"}).names.empty());
  CHECK(lists({"h/a:1 linux/arm64"}).unnamed == List{"h/a:1"});
  // Of platforms that were not read nothing is known.
  CHECK(lists({"h/a:1 linux/amd64", "h/a:1 linux/arm64"}, true).names == List{amd});
  CHECK(lists({"h/a:2 linux/arm64", "h/a:1 linux/arm64"}, true).names == List{arm});
}

struct DatedImage {
  std::string ref;
  std::uint32_t rank = 0;
  std::string platform = "linux/amd64";
};

// Refs that go.
std::vector<std::string> GoesOf(const std::vector<DatedImage>& images, std::int64_t newest,
                                const std::vector<std::string>& keep, Retention* counts) {
  std::vector<TinyImage> tiny;
  for (std::size_t i = 0; i < images.size(); ++i) {
    tiny.push_back({.ref = images[i].ref,
                    .layers = {"l" + std::to_string(i) + ":1"},
                    .platform = images[i].platform});
  }
  const Fleet fleet = MakeTinyFleet(tiny);
  std::vector<std::uint32_t> ranks(fleet.images.size(), kNone);
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    for (const DatedImage& image : images) {
      if (fleet.name(fleet.images[i]) == image.ref &&
          fleet.text(fleet.images[i].platform) == image.platform) {
        ranks[i] = image.rank;
      }
    }
  }
  const Retention retention = PlanRetention(fleet, GroupImages(fleet, GroupBy::kRepository), ranks,
                                            newest, Selected(fleet, keep));
  if (counts != nullptr) *counts = retention;
  return ListSelection(fleet, retention.goes, false).names;
}

TEST_CASE("The newest images of each repository stay", "[planner][retention]") {
  const std::vector<DatedImage> images = {{"a:1", 1}, {"a:2", 2}, {"a:3", 3}, {"b:1", 1}};
  CHECK(GoesOf(images, 2, {}, nullptr) == std::vector<std::string>{"a:1"});
  CHECK(GoesOf(images, 1, {}, nullptr) == std::vector<std::string>{"a:1", "a:2"});
  CHECK(GoesOf(images, 3, {}, nullptr).empty());
}

TEST_CASE("Tied, undated and protected images stay and are counted", "[planner][retention]") {
  Retention counts{.goes = RefSelection(Fleet())};
  const std::vector<DatedImage> images = {{"a:0", 0}, {"a:1", 1},     {"a:2", 2},
                                          {"a:3", 2}, {"a:4", kNone}, {"a:5", 5}};
  CHECK(GoesOf(images, 2, {"a:0"}, &counts) == std::vector<std::string>{"a:1"});
  CHECK(counts.num_tied == 1);
  CHECK(counts.num_undated == 1);
  CHECK(counts.num_protected == 1);
  CHECK(counts.num_repositories == 1);
}

TEST_CASE("A tag of several platforms goes as one", "[planner][retention]") {
  Retention counts{.goes = RefSelection(Fleet())};
  const std::vector<DatedImage> images = {
      {"a:1", 1}, {"a:2", 2}, {"a:1", 1, "linux/arm64"}, {"a:0", 0}, {"a:0", 0, "linux/arm64"}};
  // The newest of arm64 is a:1, whose tag keeps the amd64 image too.
  CHECK(GoesOf(images, 1, {}, &counts) == std::vector<std::string>{"a:0"});
  CHECK(counts.num_kept_by_tag == 1);
}

TEST_CASE("The images to delete for some bytes are those of all choices", "[planner][free-space]") {
  std::mt19937_64 random(77);
  for (int round = 0; round < NumRounds(150); ++round) {
    const RandomFleet made = MakeRandomFleet(random, 7);
    const Fleet fleet = BuildRandomFleet(made);
    const Scope scope = kAllScopes[random() % kAllScopes.size()];
    std::vector<std::uint8_t> kept(fleet.images.size(), 0);
    std::uint64_t kept_of_made = 0;
    for (std::size_t i = 0; i < made.images.size(); ++i) {
      if (random() % 5 != 0) continue;
      kept[IndexIn(fleet, made, i)] = 1;
      kept_of_made |= std::uint64_t{1} << i;
    }
    const Bytes stored = StoredBy(fleet, scope, false);
    const auto wanted = static_cast<Bytes>(random() % static_cast<std::uint64_t>(stored + 1));
    constexpr auto kNever = std::numeric_limits<std::int64_t>::max();
    std::int64_t least = kNever;
    for (std::uint64_t omit = 0; omit < std::uint64_t{1} << made.images.size(); ++omit) {
      if ((omit & kept_of_made) != 0) continue;
      if (stored - StoredBy(BuildRandomFleet(made, omit), scope, false) < wanted) continue;
      least = std::min<std::int64_t>(least, __builtin_popcountll(omit));
    }
    const ImageGroups cells = ScopeCells(fleet, scope);
    const FreeSpace plan = PlanFreeSpace(fleet, cells, BuildSharingGraph(fleet, cells, false), kept,
                                         {.wanted = wanted});
    REQUIRE((plan.choice->status == DeletionStatus::kInfeasible) == (least == kNever));
    REQUIRE((plan.most_freed < wanted) == (least == kNever));
    if (least == kNever) continue;
    REQUIRE(plan.choice->loss == least);
    REQUIRE(plan.deletion.freed() >= wanted);
    for (const ImageIndex i : plan.choice->ids) REQUIRE(kept[i] == 0);
  }
}

TEST_CASE("Images that nobody pulls cost nothing to delete", "[planner][free-space]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"a:10"}, .pulls = 0},
                                     {.ref = "b:1", .layers = {"b:100"}, .pulls = 9}});
  const ImageGroups cells = ScopeCells(fleet, Scope::kGlobal);
  const std::vector<std::uint8_t> kept(2, 0);
  const FreeSpace plan = PlanFreeSpace(fleet, cells, BuildSharingGraph(fleet, cells, true), kept,
                                       {.wanted = 10, .loss = DeletionLoss::kPulls});
  CHECK(plan.choice->loss == 0);
  REQUIRE(plan.frontier.size() == 2);
  CHECK(plan.frontier[0].loss == 0);
  CHECK(plan.frontier[1].freed == 100);
}

const std::vector<TinyImage> kBaseFleet = {
    {.ref = "base:1", .layers = {"old:100"}},
    {.ref = "base:2", .layers = {"new:90", "patch:5"}},
    {.ref = "app:1", .layers = {"old:100", "app:10"}},
    {.ref = "app:2", .layers = {"new:90", "patch:5", "app2:10"}},
    {.ref = "app:arm", .layers = {"old:100", "arm:3"}, .platform = "linux/arm64"},
};

TEST_CASE("Moving to another base costs what the moved fleet costs", "[planner][base-move]") {
  const Fleet fleet = MakeTinyFleet(kBaseFleet);
  std::vector<TinyImage> moved_images = kBaseFleet;
  moved_images[2].layers = {"new:90", "patch:5", "app:10"};
  const Fleet moved = MakeTinyFleet(moved_images);
  const CostModel model(fleet, {});
  const ImageGroups cells = ScopeCells(fleet, Scope::kGlobal);
  const std::vector<BasePair> pairs = {
      {.from = IndexOf(fleet, "base:1"), .to = IndexOf(fleet, "base:2")}};
  const BaseMoves moves = MoveBases(fleet, model, cells, pairs);
  REQUIRE(moves.images.size() == 1);
  CHECK(moves.images[0].image == IndexOf(fleet, "app:1"));
  CHECK(moves.images[0].layers_after == 3);
  CHECK(moves.images[0].after == 105);
  CHECK(moves.moves[0].num_there == 1);
  const LayoutCost expected = AuditLayout(moved, CostModel(moved, {}),
                                          ScopeCells(moved, Scope::kGlobal), CurrentLayout(moved));
  CHECK(moves.after.cost == expected.cost);
  CHECK(moves.after.storage_bytes == expected.storage_bytes);
  CHECK(moves.after.transfer_bytes == expected.transfer_bytes);
  // The image of the other platform keeps the old layer.
  CHECK(moves.freed_without_old == 0);
}

TEST_CASE("A base that nothing stands on moves nothing", "[planner][base-move]") {
  const Fleet fleet = MakeTinyFleet(kBaseFleet);
  const CostModel model(fleet, {});
  const ImageGroups cells = ScopeCells(fleet, Scope::kGlobal);
  const std::vector<BasePair> to_itself = {
      {.from = IndexOf(fleet, "base:1"), .to = IndexOf(fleet, "base:1")}};
  CHECK_THROWS_WITH(MoveBases(fleet, model, cells, to_itself),
                    "base:1 and base:1 have the same layers: expected two different bases");
  const std::vector<BasePair> leaf = {
      {.from = IndexOf(fleet, "app:1"), .to = IndexOf(fleet, "base:1")}};
  CHECK_THROWS_WITH(MoveBases(fleet, model, cells, leaf),
                    "no image stands on app:1: expected a base whose layers other images begin "
                    "with");
}

TEST_CASE("Images that stand on the new base stay on it where that stands on the old one",
          "[planner][base-move]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "base:1", .layers = {"old:100"}},
                                     {.ref = "base:1.1", .layers = {"old:100", "patch:5"}},
                                     {.ref = "app:1", .layers = {"old:100", "app:10"}},
                                     {.ref = "app:2", .layers = {"old:100", "patch:5", "b:10"}}});
  const CostModel model(fleet, {});
  const std::vector<BasePair> pairs = {
      {.from = IndexOf(fleet, "base:1"), .to = IndexOf(fleet, "base:1.1")}};
  const BaseMoves moves = MoveBases(fleet, model, ScopeCells(fleet, Scope::kGlobal), pairs);
  REQUIRE(moves.images.size() == 1);
  CHECK(moves.images[0].image == IndexOf(fleet, "app:1"));
  CHECK(moves.moves[0].num_there == 1);
}

TEST_CASE("New images cost what the fleet with them stores more", "[planner][addition]") {
  std::mt19937_64 random(3);
  for (int round = 0; round < NumRounds(300); ++round) {
    const RandomFleet made = MakeRandomFleet(random);
    const std::uint64_t new_images = random() % (std::uint64_t{1} << made.images.size());
    if (new_images + 1 == std::uint64_t{1} << made.images.size()) continue;
    const Fleet fleet = BuildRandomFleet(made);
    const Fleet before = BuildRandomFleet(made, new_images);
    RefSelection added(fleet);
    const RefSelection old = SelectPart(fleet, before);
    for (std::size_t r = 0; r < fleet.refs.size(); ++r) added.refs[r] = old.refs[r] == 0 ? 1 : 0;
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      added.images[i] = fleet.images[i].num_refs == 0 && old.images[i] == 0 ? 1 : 0;
    }
    for (const Scope scope : kAllScopes) {
      const ImageGroups cells = ScopeCells(fleet, scope);
      const Addition addition =
          CountAddition(fleet, cells, BuildSharingGraph(fleet, cells, false), added, added);
      const Bytes more = StoredBy(fleet, scope, false) - StoredBy(before, scope, false);
      REQUIRE(addition.deletion.freed() == more);
      REQUIRE(std::ssize(addition.images) == __builtin_popcountll(new_images));
      Bytes rows = 0;
      for (const AddedImage& image : addition.images) rows += image.stored.freed_share();
      REQUIRE(rows == more);
      if (scope == Scope::kGlobal) REQUIRE(addition.fetched == more);
    }
  }
}

TEST_CASE("A new image is told what it stands on and shares most with", "[planner][addition]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "app:1", .layers = {"base:100", "app:10"}},
                                     {.ref = "base:1", .layers = {"base:100"}},
                                     {.ref = "new:1", .layers = {"base:100", "app:10", "n:7"}},
                                     {.ref = "new:2", .layers = {"x:50=same", "app:10"}},
                                     {.ref = "old:1", .layers = {"y:60=same"}}});
  const ImageGroups cells = ScopeCells(fleet, Scope::kGlobal);
  const RefSelection added = Selected(fleet, {"new:*"});
  const Addition addition =
      CountAddition(fleet, cells, BuildSharingGraph(fleet, cells, true), added, added);
  REQUIRE(addition.images.size() == 2);
  const AddedImage& first = addition.images[0];
  CHECK(first.stored.exclusive == 7);
  CHECK(first.fetched == 7);
  CHECK(first.stands_on == IndexOf(fleet, "app:1"));
  CHECK(first.base == 110);
  CHECK(first.shares_most_with == IndexOf(fleet, "app:1"));
  const AddedImage& second = addition.images[1];
  CHECK(second.stands_on == kNone);
  CHECK(second.could_stand_on == IndexOf(fleet, "base:1"));
  CHECK(second.num_on_that == 1);
  CHECK(second.shares_most_with == IndexOf(fleet, "app:1"));
  CHECK(second.shared == 10);
  CHECK(second.twins == 50);
}

}  // namespace
}  // namespace gneiss
