#include "io/report/waste/waste_report.h"

#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "io/report/fleet/history_screen.h"
#include "io/report/waste/waste_text.h"
#include "planner/waste/image_history.h"
#include "tests/make/tiny_fleet.h"
#include "tests/make/tiny_inventory.h"

namespace gneiss {
namespace {

TinyEntry Weighing(Bytes bytes, TinyEntry entry) {
  entry.blob_bytes = bytes;
  return entry;
}

// Two images: an installation that is cleaned up a step later, and a chmod of a copied file.
struct Example {
  Example()
      : fleet(MakeTinyFleet(
            {{.ref = "app:1", .layers = {"base:10", "get:6000", "clean:1"}},
             {.ref = "app:2", .layers = {"base:10", "get:6000", "clean:1", "chmod:900"}},
             {.ref = "base:1", .layers = {"base:10"}}})),
        model(fleet, {.images_per_node = 0}),
        today(MakeToday(fleet, model)),
        contents(fleet.layers.size()) {
    Add("base", {Weighing(10, tiny::File("bin/tool", "x"))});
    Add("get",
        {Weighing(5000, tiny::File("tmp/x.deb", "deb")), Weighing(1000, tiny::File("opt/x", "x"))});
    Add("clean", {tiny::Whiteout("tmp/x.deb")});
    Add("chmod", {Weighing(900, tiny::File("bin/tool", "x", 0755))});
    waste = FindWaste(fleet, model, today, contents);
  }

  void Add(const std::string& name, const std::vector<TinyEntry>& entries) {
    for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
      if (fleet.layers[l].digest == NamedDigest(name)) {
        contents.Add(l, MakeTinyInventory(entries, name));
      }
    }
  }

  Fleet fleet;
  CostModel model;
  Today today;
  LayerContents contents;
  WasteReport waste;
};

TEST_CASE("The screen of waste names kind, images, cause, remedy and paths",
          "[io][report][waste]") {
  const Example example;
  std::ostringstream out;
  PrintWaste(example.fleet, example.today, example.contents, example.waste, example.model, {}, {},
             out);
  CHECK(out.str() ==
        "5.90 kB of 6.91 kB stored are not needed (85.4 %), and 10.9 kB of what is moved\n"
        "5 entries in 3 images; contents known of all 4 layers\n"
        "10 B more are hidden in some images and seen in others: not counted here\n"
        "1.00 kB more are contents that other layers hold too: a common base could share them\n"
        "moved: storage x 1 + transfer x 1 + 256 KiB a layer pulled; 1 pull an image, every pull "
        "cold; 1 MB =\n"
        "       1,000,000 bytes\n"
        "\n"
        " stored    moved  entries  unpacked  kind\n"
        "5.00 kB  10.0 kB        1       3 B  deleted later\n"
        "  900 B    900 B        1       1 B  only attributes changed\n"
        "5.90 kB  10.9 kB        2       4 B  TOTAL\n"
        "\n"
        "do first\n"
        "W1   -5.00 kB stored, -10.0 kB moved: deleted by `step clean`\n"
        "     in:   app (2 images)\n"
        "     why:  no image shows 1 entry of `step get`: `step clean` deletes them\n"
        "     how:  delete the files in the step that writes them, or squash the two layers\n"
        "        5.00 kB  tmp/x.deb\n"
        "W2   -900 B stored, -900 B moved: stored again for another mode or owner by `step "
        "chmod`\n"
        "     in:   app:2\n"
        "     why:  `step chmod` stores 1 entry of `step base` again: only mode, owner or "
        "attributes differ\n"
        "     how:  set mode and owner where the files are made, in the build of the base\n"
        "          900 B  bin/tool\n");
}

TEST_CASE("The JSON of waste sums to its totals", "[io][report][waste]") {
  const Example example;
  std::ostringstream out;
  WriteWasteJson(example.fleet, example.today, example.contents, example.waste, example.model,
                 {{.image = 0, .dive = {.size_bytes = 1, .user_bytes = 1, .wasted_bytes = 0}}}, 0,
                 out);
  const auto written = nlohmann::json::parse(out.str());
  CHECK(written["schema"] == "gneiss.waste/1");
  std::int64_t sum = 0;
  for (const auto& finding : written["findings"]) {
    sum += finding["saves_storage_bytes"].get<std::int64_t>();
    CHECK(finding["blob_bytes"] > 0);
  }
  CHECK(sum == written["saves_storage_bytes"]);
  CHECK(sum == 5900);
  CHECK(written["images"][0]["dive"]["efficiency"] == 1.0);
  CHECK_FALSE(written["images"][1].contains("dive"));
  CHECK(written["repositories"][0]["needless_bytes"] == 5900);
}

TEST_CASE("History shows each layer with what is hidden above it", "[io][report][history]") {
  const Example example;
  const ImageHistory history = MakeImageHistory(example.fleet, example.today, example.contents,
                                                example.waste, IndexOf(example.fleet, "app:2"));
  std::ostringstream out;
  PrintHistory(example.fleet, example.contents, history, {}, out);
  CHECK(out.str() ==
        "app:2: 4 layers, 6.91 kB; 900 B in no other image, 5.01 kB shadowed\n"
        "linux/amd64\n"
        "base first; sizes are compressed, but for unpacked; shadowed: hidden in this image; not "
        "needed:\n"
        "waste in the whole fleet; 1 MB = 1,000,000 bytes\n"
        "\n"
        "      size  unpacked  shadowed  not needed  images  exclusive  instruction\n"
        "1     10 B       1 B      10 B         0 B       3        0 B  step base\n"
        "2  6.00 kB       4 B   5.00 kB     5.00 kB       2        0 B  step get\n"
        "3      1 B       0 B       0 B         0 B       2        0 B  step clean\n"
        "4    900 B       1 B       0 B       900 B       1      900 B  step chmod\n"
        "   6.91 kB             5.01 kB     5.90 kB              900 B  TOTAL\n"
        "\n"
        "largest paths\n"
        "layer 1          10 B  bin/tool\n"
        "layer 2       5.00 kB  tmp/x.deb\n"
        "              1.00 kB  opt/x\n"
        "layer 4         900 B  bin/tool\n");
  std::ostringstream written;
  WriteHistoryJson(example.fleet, example.contents, history, written);
  CHECK(nlohmann::json::parse(written.str())["layers"][1]["shadowed_bytes"] == 5000);
}

TEST_CASE("History shows steps without a layer, and says when its config tells another story",
          "[io][report][history]") {
  const Fleet fleet =
      MakeTinyFleet({{.ref = "app:1",
                      .layers = {"base:10"},
                      .steps = {{.created_by = "ADD base", .created = "2026-01-01T00:00:00Z"},
                                {.created_by = "CMD [\"sh\"]", .makes_layer = false}}},
                     {.ref = "odd:1",
                      .layers = {"base:10"},
                      .steps = {{.created_by = "a"}, {.created_by = "b"}}}});
  const CostModel model(fleet, {});
  const Today today = MakeToday(fleet, model);
  const LayerContents contents(fleet.layers.size());
  const WasteReport waste = FindWaste(fleet, model, today, contents);
  const auto show = [&](const char* ref) {
    std::ostringstream out;
    PrintHistory(fleet, contents,
                 MakeImageHistory(fleet, today, contents, waste, IndexOf(fleet, ref)), {}, out);
    return out.str();
  };
  const std::string app = show("app:1");
  CHECK_THAT(app, Catch::StartsWith("app:1: 1 layer, 10 B; 0 B in no other image, ? shadowed\n"));
  CHECK_THAT(app, Catch::Contains("1  10 B         ?         ?           ?       2        0 B  ADD "
                                  "base\n    0 B  "));
  CHECK_THAT(app, Catch::Contains("  CMD [\"sh\"]\n"));
  CHECK_THAT(app, Catch::EndsWith("TOTAL\n"));
  const std::string odd = show("odd:1");
  CHECK_THAT(odd, Catch::Contains(
                      "the config's history tells of 2 layers, so no layer has an instruction\n"));
  CHECK_THAT(odd, Catch::Contains("0 B  sha256:"));
  std::ostringstream written;
  WriteHistoryJson(fleet, contents,
                   MakeImageHistory(fleet, today, contents, waste, IndexOf(fleet, "app:1")),
                   written);
  CHECK(nlohmann::json::parse(written.str())["steps"] ==
        nlohmann::json::parse(R"([{"created_by":"ADD base","created":"2026-01-01T00:00:00Z",
                                   "layer":1},{"created_by":"CMD [\"sh\"]","created":""}])"));
}

}  // namespace
}  // namespace gneiss
