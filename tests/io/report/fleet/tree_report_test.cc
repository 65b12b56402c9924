#include "io/report/fleet/tree_report.h"

#include <algorithm>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "io/text/screen_text.h"
#include "tests/make/random_fleet.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

using nlohmann::json;

std::string Screen(const Fleet& fleet, const TreeLimits& limits, const ScreenStyle& style = {}) {
  std::ostringstream out;
  PrintTree(fleet, MakeTreeReport(fleet, limits), style, out);
  return out.str();
}

json WrittenTree(const Fleet& fleet, const TreeLimits& limits) {
  std::ostringstream out;
  WriteTreeJson(fleet, MakeTreeReport(fleet, limits), limits, out);
  return json::parse(out.str());
}

Fleet ExampleFleet() {
  return MakeTinyFleet({{.ref = "debian:9", .layers = {"base:40000000"}},
                        {.ref = "debian:stable", .layers = {"base:40000000"}},
                        {.ref = "php:7", .layers = {"base:40000000", "p:2000000", "q:3000000"}},
                        {.ref = "ruby:2", .layers = {"base:40000000", "r:9000000"}},
                        {.ref = "hello:1", .layers = {"h:1000"}}});
}

TEST_CASE("The tree shows sizes, sharing, names and folded runs", "[io][tree]") {
  CHECK(Screen(ExampleFleet(), {}) ==
        "5 images on 2 first layers: 54.0 MB stored; 1 MB = 1,000,000 bytes\n"
        "\n"
        " branch      own  images  layers from the base up\n"
        "54.0 MB  40.0 MB       4  debian:9 +1  step base\n"
        "9.00 MB  9.00 MB       1  ├─ ruby:2  step r\n"
        "5.00 MB  5.00 MB       1  └─ php:7  2 layers: step q\n"
        "1.00 kB  1.00 kB       1  hello:1  step h\n"
        "54.0 MB                5  TOTAL\n");
}

TEST_CASE("An unfolded tree has a line for every layer", "[io][tree]") {
  CHECK_THAT(Screen(ExampleFleet(), {.fold = false}),
             Catch::Contains("5.00 MB  2.00 MB       1  └─ step p\n"
                             "3.00 MB  3.00 MB       1     └─ php:7  step q\n"));
}

TEST_CASE("A run ends where an image ends", "[io][tree]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"x:1", "y:2"}},
                                     {.ref = "b:1", .layers = {"x:1", "y:2", "z:3", "w:4"}}});
  const TreeReport report = MakeTreeReport(fleet, {});
  REQUIRE(report.rows.size() == 2);
  CHECK(report.rows[0].layers == 2);
  CHECK(report.rows[0].own == 3);
  CHECK(report.rows[0].images == 2);
  CHECK(report.rows[1].layers == 2);
  CHECK(report.rows[1].level == 1);
}

TEST_CASE("What weighs little is counted beside what is listed", "[io][tree]") {
  const std::string screen = Screen(ExampleFleet(), {.top = 2});
  CHECK_THAT(screen, Catch::Contains("9.00 MB  9.00 MB       1  ├─ ruby:2  step r\n"
                                     "5.00 MB  5.00 MB       1  └─ [1 other: php]\n"
                                     "1.00 kB  1.00 kB       1  [1 other: hello]\n"));
  CHECK_THAT(screen, Catch::Contains("--top N lists more of them"));
}

TEST_CASE("A branch below which nothing is listed says what is there", "[io][tree]") {
  CHECK_THAT(Screen(ExampleFleet(), {.depth = 1}),
             Catch::Contains("debian:9 +1  step base  [2 branches: php, ruby]\n"));
  CHECK_THAT(Screen(ExampleFleet(), {.min_size = 10'000'000}),
             Catch::Contains("debian:9 +1  step base  [2 branches: php, ruby]\n"));
}

TEST_CASE("A tree whose every branch is left out still has its total", "[io][tree]") {
  const std::string screen = Screen(ExampleFleet(), {.min_size = 1'000'000'000});
  CHECK_THAT(screen, Catch::Contains("54.0 MB  54.0 MB       5  [2 others: debian, hello, php +1]\n"
                                     "54.0 MB                5  TOTAL\n"));
}

TEST_CASE("Roots name their platform where the fleet has several", "[io][tree]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"x:1"}, .platform = "linux/arm64"},
                                     {.ref = "b:1", .layers = {"y:1", "z:1"}},
                                     {.ref = "b:2", .layers = {"y:1"}, .platform = "linux/386"}});
  const std::string screen = Screen(fleet, {});
  CHECK_THAT(screen, Catch::Contains("a:1 linux/arm64  step x"));
  CHECK_THAT(screen, Catch::Contains("b:2 (several platforms)  step y"));
}

TEST_CASE("A layer without an instruction shows its digest", "[io][tree]") {
  FleetBuilder builder;
  ImageRecord record;
  record.ref = "a:1";
  record.layers.resize(1);
  record.layers[0].digest.bytes.fill(0xab);
  builder.Add(record);
  CHECK_THAT(Screen(builder.Build(), {}), Catch::Contains("a:1  sha256:abababababab\n"));
}

TEST_CASE("Layers at several places are stored once, and said so", "[io][tree]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "a:1", .layers = {"x:1000", "y:2000"}}, {.ref = "b:1", .layers = {"y:2000"}}});
  CHECK_THAT(Screen(fleet, {}),
             Catch::Contains("5.00 kB                2  TOTAL\n"
                             "2.00 kB of that stand at more than one place of the tree"));
}

TEST_CASE("No line of the tree is wider than the screen", "[io][tree]") {
  const Fleet fleet =
      MakeTinyFleet({{.ref = "registry.example/a/very/long/name/of/a/repository:1.0",
                      .layers = {"x:1", "y:2", "z:3"},
                      .created_by = std::string(300, 'x')},
                     {.ref = "b:1",
                      .layers = {"x:1", "y:2"},
                      .created_by = "\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e"}});
  for (const std::size_t width : {80U, 100U, 120U}) {
    std::istringstream lines(Screen(fleet, {}, {.width = width}));
    for (std::string line; std::getline(lines, line);) {
      CAPTURE(line);
      REQUIRE(DisplayWidth(line) <= width);
    }
  }
}

TEST_CASE("Rows of a tree add up to its bytes and images under any limits", "[io][tree]") {
  std::mt19937_64 random(41);
  for (int round = 0; round < NumRounds(500); ++round) {
    const Fleet fleet = BuildRandomFleet(MakeRandomFleet(random, 10));
    const TreeLimits limits = {.top = static_cast<std::size_t>(random() % 5),
                               .depth = static_cast<std::int64_t>(random() % 4),
                               .min_size = static_cast<Bytes>(random() % 3 * 300),
                               .fold = random() % 2 == 0};
    const TreeReport report = MakeTreeReport(fleet, limits);
    CAPTURE(round, limits.top, limits.depth, limits.min_size, limits.fold);
    Bytes nodes = 0;
    for (const LayerIndex l : report.trie.layer) nodes += fleet.layers[l].size;
    REQUIRE(report.trie_bytes == nodes);
    Bytes roots = 0;
    std::int64_t images = report.trie.num_without_layers;
    std::size_t listed = 0;
    for (std::size_t r = 0; r < report.rows.size(); ++r) {
      const TreeRow& row = report.rows[r];
      if (row.level == 0) {
        roots += row.branch;
        images += row.images;
      }
      if (row.first == kNoNode) {
        REQUIRE(row.own == row.branch);
        continue;
      }
      ++listed;
      REQUIRE(row.branch >= limits.min_size);
      Bytes below = row.own;
      bool has_rows_below = false;
      for (std::size_t s = r + 1; s < report.rows.size() && report.rows[s].level > row.level; ++s) {
        if (report.rows[s].level != row.level + 1) continue;
        below += report.rows[s].branch;
        has_rows_below = true;
      }
      for (const NodeIndex head : report.left_out_of(row)) below += report.bytes_below[head];
      REQUIRE(below == row.branch);
      REQUIRE((row.num_left_out == 0 || !has_rows_below));
    }
    REQUIRE(roots == report.trie_bytes);
    REQUIRE(images == std::ssize(fleet.images));
    if (limits.top > 0) REQUIRE(listed <= limits.top);
    if (limits.top == 0 && limits.depth == 0 && limits.min_size == 0) {
      REQUIRE(report.left_out.empty());
    }
  }
}

TEST_CASE("The JSON lists every node with its parent before it", "[io][tree]") {
  std::mt19937_64 random(42);
  for (int round = 0; round < NumRounds(100); ++round) {
    const Fleet fleet = BuildRandomFleet(MakeRandomFleet(random, 8));
    const TreeLimits limits = {.depth = static_cast<std::int64_t>(random() % 3),
                               .min_size = static_cast<Bytes>(random() % 2 * 500)};
    const json report = WrittenTree(fleet, limits);
    std::set<std::int64_t> ids;
    Bytes sum = 0;
    for (const json& node : report["nodes"]) {
      if (!node["parent"].is_null()) REQUIRE(ids.contains(node["parent"].get<std::int64_t>()));
      REQUIRE(ids.insert(node["id"].get<std::int64_t>()).second);
      sum += node["size"].get<Bytes>();
    }
    if (limits.depth == 0 && limits.min_size == 0) {
      REQUIRE(sum == report["trie_bytes"]);
      REQUIRE(ids.size() == report["trie_nodes"]);
    }
  }
}

TEST_CASE("The JSON of a node tells digest, sharing, refs and chain", "[io][tree]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "a:1", .layers = {"x:7=dx", "y:5=dy"}}, {.ref = "b:1", .layers = {"x:7=dx"}}});
  const json report = WrittenTree(fleet, {});
  REQUIRE(report["nodes"].size() == 2);
  const json& root = report["nodes"][0];
  CHECK(root["parent"].is_null());
  CHECK(root["depth"] == 1);
  CHECK(root["digest"] == FormatDigest(NamedDigest("x")));
  CHECK(root["size"] == 7);
  CHECK(root["bytes_below"] == 12);
  CHECK(root["images_below"] == 2);
  CHECK(root["refs"] == json({"b:1"}));
  CHECK(root["created_by"] == "step x");
  CHECK(root["diff_id"] == root["chain_id"]);
  CHECK(report["nodes"][1]["parent"] == 0);
  CHECK(report["nodes"][1]["refs"] == json({"a:1"}));
  CHECK(report["nodes"][1]["chain_id"] != report["nodes"][1]["diff_id"]);
}

TEST_CASE("A chain of very many layers is no problem", "[io][tree]") {
  FleetBuilder builder;
  ImageRecord record;
  for (const std::size_t length : {20'000U, 10'000U}) {
    record.layers.clear();
    for (std::size_t l = 0; l < length; ++l) {
      LayerRecord layer;
      layer.digest.bytes[0] = static_cast<std::uint8_t>(l);
      layer.digest.bytes[1] = static_cast<std::uint8_t>(l >> 8);
      layer.size = 1;
      record.layers.push_back(layer);
    }
    builder.Add(record);
  }
  const Fleet fleet = builder.Build();
  const TreeReport folded = MakeTreeReport(fleet, {});
  REQUIRE(folded.rows.size() == 2);
  CHECK(folded.rows[0].layers == 10'000);
  CHECK(MakeTreeReport(fleet, {.fold = false}).rows.size() == 20'000);
}

}  // namespace
}  // namespace gneiss
