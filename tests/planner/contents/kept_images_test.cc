#include "planner/contents/kept_images.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/plan/plan.h"
#include "planner/waste/image_history.h"
#include "planner/waste/waste.h"
#include "tests/make/content_fleet.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

using Flags = std::vector<std::uint8_t>;
using Lengths = std::vector<std::uint32_t>;

Lengths LengthsOf(const Fleet& fleet, const Plan& plan, std::string_view ref) {
  const auto lengths = plan.squash.layout.of(IndexOf(fleet, ref));
  return {lengths.begin(), lengths.end()};
}

// Two images whose layers hold Files/ and Hives/, under a platform that says nothing of it.
ContentFleet HivesOfNoPlatform() {
  const auto layer = [](const std::string& app) {
    return std::vector<TinyEntry>{tiny::Directory("Files"), tiny::File("Files/" + app, app),
                                  tiny::Directory("Hives"),
                                  tiny::File("Hives/Software_Delta", "regf " + app)};
  };
  return MakeContentFleet({{tiny::Directory("Files"), tiny::File("Files/base", "base")},
                           layer("one"),
                           layer("two"),
                           layer("three")},
                          {{0, 1, 2}, {0, 1, 3}});
}

TEST_CASE("Images of Windows are told by their platform, by their config and by their layers",
          "[planner][kept_images]") {
  const Fleet by_platform =
      MakeTinyFleet({{.ref = "a:1", .layers = {"x:1", "y:1"}, .platform = "windows/amd64"},
                     {.ref = "b:1", .layers = {"x:1", "z:1"}, .platform = "linux/amd64"},
                     {.ref = "c:1", .layers = {"x:1"}, .platform = ""},
                     {.ref = "d:1", .layers = {"x:1", "w:1"}, .platform = "Windows/amd64"},
                     {.ref = "e:1", .layers = {"x:1", "v:1"}, .platform = "windowsish/amd64"}});
  CHECK(FindWindowsImages(by_platform, nullptr) == Flags{1, 0, 0, 1, 0});

  FleetBuilder builder;
  ImageRecord record;
  record.ref = "a:1";
  record.platform = "linux/amd64";
  record.is_windows = true;
  builder.Add(record);
  record.ref = "a:2";
  record.is_windows = false;
  builder.Add(record);
  const Fleet by_config = builder.Build();
  CHECK(FindWindowsImages(by_config, nullptr) == Flags{1});

  const ContentFleet made = HivesOfNoPlatform();
  CHECK(FindWindowsImages(made.fleet, &made.contents) == Flags{1, 1});
  CHECK(FindWindowsImages(made.fleet, nullptr) == Flags{0, 0});
  // One of the two alone is a directory like any other, and so are such names elsewhere.
  const ContentFleet others =
      MakeContentFleet({{tiny::File("Files/a")},
                        {tiny::File("Hives")},
                        {tiny::File("etc/Hives/a"), tiny::File("FilesAndHives")}},
                       {{0}, {1}, {0, 2}});
  CHECK(FindWindowsImages(others.fleet, &others.contents) == Flags{0, 0, 0});
}

TEST_CASE("No level of a plan joins, moves or carves images of Windows", "[planner][kept_images]") {
  const ContentFleet made = HivesOfNoPlatform();
  const Plan plan = MakePlan(made.fleet, {}, &made.contents);
  CHECK(plan.squash.num_windows == 2);
  CHECK(LengthsOf(made.fleet, plan, "app:100") == Lengths{1, 1, 1});
  CHECK(plan.squash.planned.cost == plan.squash.current.cost);
  CHECK(plan.squash.lower_bound == plan.squash.current.cost);
  CHECK(plan.joins.empty());
  CHECK(plan.moves.empty());
  CHECK_FALSE(plan.from_contents.has_value());
  // The usual advice cannot be followed there, so it is not priced as if it could.
  CHECK(plan.flattened.storage_bytes == plan.squash.current.storage_bytes);
  CHECK(plan.kept_base.storage_bytes == plan.squash.current.storage_bytes);
  // They count all the same.
  CHECK(plan.squash.current.layer_references == 6);

  const Fleet mixed = MakeTinyFleet(
      {{.ref = "win:1", .layers = {"x:10", "y:10", "z:10"}, .platform = "windows/amd64"},
       {.ref = "lin:1", .layers = {"p:10", "q:10", "r:10"}}});
  const Plan of_mixed = MakePlan(mixed, {});
  CHECK(LengthsOf(mixed, of_mixed, "win:1") == Lengths{1, 1, 1});
  CHECK(LengthsOf(mixed, of_mixed, "lin:1") == Lengths{3});
  CHECK(of_mixed.squash.num_windows == 1);
  CHECK(of_mixed.squash.num_pinned == 0);
}

TEST_CASE("Nothing counts as hidden in layers of Windows", "[planner][kept_images]") {
  const ContentFleet made = HivesOfNoPlatform();
  const CostModel model(made.fleet, {});
  const Today today = MakeToday(made.fleet, model);
  const WasteReport waste = FindWaste(made.fleet, model, today, made.contents);
  CHECK(waste.num_windows == 2);
  CHECK(waste.findings.empty());
  CHECK(waste.hidden_in_some_bytes == 0);
  for (const ImageWaste& image : waste.images) CHECK(image.hidden_bytes == 0);
  const ImageHistory history = MakeImageHistory(made.fleet, today, made.contents, waste, 0);
  CHECK(history.is_windows);
  for (const HistoryRow& row : history.rows) {
    CHECK(row.shadowed_bytes == 0);
    CHECK(row.contents_known);
  }
}

TEST_CASE("A layer that is known to be no tar stays by itself; what is around it is joined",
          "[planner][kept_images]") {
  ContentFleet made = MakeContentFleet(
      {{tiny::File("a")}, {tiny::File("b")}, {}, {tiny::File("c")}, {tiny::File("d")}},
      {{0, 1, 2, 3, 4}}, {2});
  const Plan before = MakePlan(made.fleet, {}, &made.contents);
  CHECK(LengthsOf(made.fleet, before, "app:100") == Lengths{5});
  made.contents.is_no_tar[2] = 1;
  const Plan plan = MakePlan(made.fleet, {}, &made.contents);
  CHECK(LengthsOf(made.fleet, plan, "app:100") == Lengths{2, 1, 2});
  CHECK(plan.squash.num_standalone_layers == 1);
  CHECK_FALSE(plan.from_contents.has_value());
  // Also where nothing is known but that.
  LayerContents nothing(made.fleet.layers.size());
  nothing.is_no_tar[2] = 1;
  CHECK(LengthsOf(made.fleet, MakePlan(made.fleet, {}, &nothing), "app:100") == Lengths{2, 1, 2});
}

TEST_CASE("An image that cannot meet the limit of layers keeps them, and the others are planned",
          "[planner][kept_images]") {
  FleetBuilder builder;
  const auto add = [&](std::string_view ref, const std::vector<std::string_view>& names) {
    ImageRecord record;
    record.ref = ref;
    for (const std::string_view name : names) {
      LayerRecord layer;
      layer.digest = NamedDigest(name);
      layer.size = 10;
      layer.media_type = name.starts_with("secret")
                             ? "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"
                             : "application/vnd.oci.image.layer.v1.tar+gzip";
      record.layers.push_back(layer);
    }
    builder.Add(record);
  };
  add("odd:1", {"a", "secret1", "b", "secret2", "c"});
  add("plain:1", {"p", "q", "r", "s"});
  const Fleet fleet = builder.Build();
  const Plan plan = MakePlan(fleet, {.squash = {.max_layers = 2}});
  CHECK(plan.squash.num_too_many_layers == 1);
  CHECK(LengthsOf(fleet, plan, "odd:1") == Lengths{1, 1, 1, 1, 1});
  CHECK(LengthsOf(fleet, plan, "plain:1").size() <= 2);
  const Plan wide = MakePlan(fleet, {.squash = {.max_layers = 5}});
  CHECK(wide.squash.num_too_many_layers == 0);
}

// Of a directory that no layer lists a runtime takes the mode from where a link of a layer leads.
TEST_CASE("Images keep their layers where a directory is made up of others",
          "[planner][kept_images]") {
  const TinyEntry target{.type = EntryType::kDirectory, .path = "d", .mode = 0700};
  const TinyEntry plain{.type = EntryType::kDirectory, .path = "d", .mode = 0755};
  const auto reasons = [](const std::vector<std::vector<TinyEntry>>& layers) {
    const ContentFleet made = MakeContentFleet(layers, {{0, 1}, {0}});
    return FindKeptImages(made.fleet, {}, kAnyNumberOfLayers, &made.contents).reason;
  };
  const std::vector<KeptReason> first = {KeptReason::kUnwritable, KeptReason::kFree};
  const std::vector<KeptReason> none = {KeptReason::kFree, KeptReason::kFree};
  CHECK((reasons({{target, tiny::Symlink("k", "d")}, {tiny::File("k/x")}}) == first));
  CHECK((reasons({{target, tiny::Symlink("k", "d")}, {tiny::Directory("k"), tiny::File("k/x")}}) ==
         none));
  CHECK((reasons({{plain, tiny::Symlink("k", "d")}, {tiny::File("k/x")}}) == none));
  CHECK((reasons({{target}, {tiny::File("d/x")}}) == none));
}

}  // namespace
}  // namespace gneiss
