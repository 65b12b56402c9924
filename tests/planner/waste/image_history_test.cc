#include "planner/waste/image_history.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/tiny_fleet.h"
#include "tests/make/tiny_inventory.h"

namespace gneiss {
namespace {

// Without contents.
ImageHistory HistoryOf(const Fleet& fleet, std::string_view ref) {
  const CostModel model(fleet, {});
  const Today today = MakeToday(fleet, model);
  const LayerContents contents(fleet.layers.size());
  return MakeImageHistory(fleet, today, contents, FindWaste(fleet, model, today, contents),
                          IndexOf(fleet, ref));
}

std::vector<std::string> InstructionsOf(const Fleet& fleet, std::string_view ref) {
  std::vector<std::string> texts;
  for (const HistoryRow& row : HistoryOf(fleet, ref).rows) {
    texts.push_back((row.layer == kNone ? "" : std::to_string(row.position) + " ") +
                    std::string(fleet.text(row.created_by)));
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST_CASE("An image's steps are those of its own config", "[planner][image_history]") {
  const StepRecord add{.created_by = "ADD base"};
  const StepRecord user{.created_by = "RUN useradd"};
  const StepRecord workdir{.created_by = "ANOTHER"};
  const StepRecord env{.created_by = "ENV", .makes_layer = false};
  const Fleet fleet = MakeTinyFleet({
      {.ref = "a:1", .layers = {"base:9", "empty:1"}, .steps = {add, env, user}},
      {.ref = "b:1", .layers = {"base:9", "empty:1"}, .steps = {add, env, workdir, env}},
      {.ref = "none:1", .layers = {"base:9", "empty:1"}},
      {.ref = "odd:1", .layers = {"base:9", "empty:1"}, .steps = {add, env}},
  });
  CHECK(InstructionsOf(fleet, "a:1") == Texts{"1 ADD base", "ENV", "2 RUN useradd"});
  CHECK(InstructionsOf(fleet, "b:1") == Texts{"1 ADD base", "ENV", "2 ANOTHER", "ENV"});
  // Without a history what the fleet says of the layers; with one of other layers nothing.
  CHECK(InstructionsOf(fleet, "none:1") == Texts{"1 step base", "2 step empty"});
  CHECK(InstructionsOf(fleet, "odd:1") == Texts{"1 ", "2 "});
  CHECK(HistoryOf(fleet, "odd:1").num_told_layers == 1);
  CHECK(HistoryOf(fleet, "a:1").num_told_layers == -1);
  CHECK(HistoryOf(fleet, "a:1").num_layers() == 2);
  // The base's steps are kept once.
  CHECK(fleet.steps.size() == 5);
}

TEST_CASE("A layer that comes again counts once, where it comes first",
          "[planner][image_history]") {
  using namespace tiny;
  TinyEntry file = File("f", "1");
  file.blob_bytes = 100;
  TinyEntry other = File("f", "2");
  other.blob_bytes = 50;
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"l:100", "m:50", "l:100"}}});
  LayerContents contents(fleet.layers.size());
  for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
    const bool is_first = fleet.layers[l].digest == NamedDigest("l");
    contents.Add(l, MakeTinyInventory({is_first ? file : other}, is_first ? "l" : "m"));
  }
  const CostModel model(fleet, {});
  const Today today = MakeToday(fleet, model);
  const ImageHistory history =
      MakeImageHistory(fleet, today, contents, FindWaste(fleet, model, today, contents), 0);
  REQUIRE(history.rows.size() == 3);
  CHECK(history.rows[0].shadowed_bytes == 0);
  CHECK(history.rows[1].shadowed_bytes == 50);
  CHECK(history.rows[2].shadowed_bytes == 0);
  CHECK(history.rows[0].exclusive_bytes == 100);
  CHECK(history.rows[2].exclusive_bytes == 0);
  CHECK_FALSE(history.rows[0].is_again);
  CHECK(history.rows[2].is_again);
  CHECK(history.rows[0].needless_bytes == 0);
  CHECK(history.rows[1].needless_bytes == 50);
}

}  // namespace
}  // namespace gneiss
