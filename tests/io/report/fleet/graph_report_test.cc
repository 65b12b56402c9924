#include "io/report/fleet/graph_report.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/make/random_fleet.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

using nlohmann::json;

std::string Drawn(const Fleet& fleet, GraphKind kind, GraphFormat format,
                  std::int64_t min_shared = 1) {
  std::ostringstream out;
  WriteGraph(ReportGraph(fleet, kind, min_shared), format, out);
  return out.str();
}

Fleet FleetToDraw() {
  return MakeTinyFleet({{.ref = "a:1", .layers = {"base:10=b", "x:1"}},
                        {.ref = "b:1", .layers = {"base:10=b", "y:2", "y:2"}}});
}

TEST_CASE("The sharing graph joins images to the layers they hold", "[io][graph]") {
  const json graph = json::parse(Drawn(FleetToDraw(), GraphKind::kSharing, GraphFormat::kJson));
  REQUIRE(graph["nodes"].size() == 5);
  CHECK(graph["nodes"][0]["kind"] == "image");
  CHECK(graph["nodes"][0]["label"] == "a:1 linux/amd64");
  CHECK(graph["nodes"][0]["size"] == 11);
  CHECK(graph["nodes"][1]["size"] == 12);  // a repeated layer once
  CHECK(graph["nodes"][2]["kind"] == "layer");
  CHECK(graph["nodes"][2]["label"] == "step base");
  CHECK(graph["nodes"][2]["images"] == 2);
  CHECK(graph["nodes"][2]["digest"] == FormatDigest(NamedDigest("base")));
  CHECK(graph["nodes"][2]["diff_id"] == FormatDigest(NamedDigest("diff b")));
  CHECK(graph["edges"] == json::parse(R"([{"source":0,"target":2},{"source":0,"target":3},
                                          {"source":1,"target":2},{"source":1,"target":4}])"));
}

TEST_CASE("The trie joins chains to longer ones and to the images that end", "[io][graph]") {
  const json graph = json::parse(Drawn(FleetToDraw(), GraphKind::kTrie, GraphFormat::kJson));
  // Two images, then base, base+x, base+y, base+y+y.
  REQUIRE(graph["nodes"].size() == 6);
  CHECK(graph["nodes"][2]["kind"] == "chain");
  CHECK(graph["nodes"][2]["images"] == 2);
  CHECK(graph["nodes"][2]["chain_id"] == FormatDigest(NamedDigest("diff b")));
  CHECK_FALSE(graph["nodes"][3].contains("chain_id"));
  CHECK(graph["edges"] == json::parse(R"([{"source":2,"target":3},{"source":2,"target":4},
                                          {"source":3,"target":0},{"source":4,"target":5},
                                          {"source":5,"target":1}])"));
}

TEST_CASE("Only layers of enough images are kept, with the images that hold them", "[io][graph]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"base:10", "x:1"}},
                                     {.ref = "b:1", .layers = {"base:10"}},
                                     {.ref = "c:1", .layers = {"z:1"}}});
  const ReportGraph graph(fleet, GraphKind::kSharing, 2);
  CHECK(graph.num_images_left_out() == 1);
  const json kept = json::parse(Drawn(fleet, GraphKind::kSharing, GraphFormat::kJson, 2));
  CHECK(kept["nodes"].size() == 3);
  CHECK(kept["edges"].size() == 2);
  const json trie = json::parse(Drawn(fleet, GraphKind::kTrie, GraphFormat::kJson, 2));
  CHECK(trie["nodes"].size() == 2);  // b:1 ends at the base; a:1 ends at a chain of one image
  CHECK(trie["edges"] == json::parse(R"([{"source":1,"target":0}])"));
}

TEST_CASE("Edges of the sharing graph are those of the manifests", "[io][graph]") {
  std::mt19937_64 random(51);
  for (int round = 0; round < NumRounds(100); ++round) {
    const Fleet fleet = BuildRandomFleet(MakeRandomFleet(random));
    const std::int64_t min_shared = static_cast<std::int64_t>(random() % 4);
    const json graph =
        json::parse(Drawn(fleet, GraphKind::kSharing, GraphFormat::kJson, min_shared));
    std::map<std::string, std::set<std::string>> holders;
    for (const Image& image : fleet.images) {
      for (const LayerIndex l : fleet.chain(image)) {
        holders[fleet.digest_text(fleet.layers[l])].insert(FormatDigest(image.identity));
      }
    }
    std::set<std::pair<std::string, std::string>> expected;
    for (const auto& [digest, images] : holders) {
      if (std::ssize(images) < min_shared) continue;
      for (const std::string& image : images) expected.insert({image, digest});
    }
    std::set<std::pair<std::string, std::string>> found;
    for (const json& edge : graph["edges"]) {
      const auto digest_at = [&](const char* end) {
        return graph["nodes"][edge[end].get<std::size_t>()]["digest"].get<std::string>();
      };
      found.emplace(digest_at("source"), digest_at("target"));
    }
    REQUIRE(found == expected);
  }
}

TEST_CASE("DOT is quoted so that no name ends its string", "[io][graph]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "say \"hi\"\\:1", .layers = {"x:1"}, .created_by = "RUN echo \"\x1b\\\""}});
  const std::string dot = Drawn(fleet, GraphKind::kSharing, GraphFormat::kDot);
  CHECK_THAT(dot, Catch::StartsWith("digraph G {\nrankdir=LR;\n"));
  CHECK_THAT(dot, Catch::Contains(R"(label="say \"hi\"\\:1 linux/amd64")"));
  CHECK_THAT(dot, Catch::Contains(R"(label="RUN echo \"\\x1b\\\"")"));
  CHECK_THAT(dot, Catch::Contains("size=1, images=1"));
  CHECK_THAT(dot, Catch::Contains("0->1 ;"));
}

TEST_CASE("GraphML is escaped and free of control characters", "[io][graph]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "a&b<c>:1", .layers = {"x:1"}, .created_by = "RUN echo \x1b ' \" > x"}});
  const std::string xml = Drawn(fleet, GraphKind::kSharing, GraphFormat::kGraphMl);
  CHECK_THAT(xml, Catch::Contains(">a&amp;b&lt;c&gt;:1 linux/amd64</data>"));
  CHECK_THAT(xml, Catch::Contains("\\x1b"));
  CHECK_THAT(xml, Catch::Contains("attr.name=\"size\" attr.type=\"long\""));
  const bool clean = std::ranges::all_of(
      xml, [](char c) { return c == '\n' || static_cast<unsigned char>(c) >= 0x20; });
  CHECK(clean);
}

TEST_CASE("A fleet without layers is a graph without edges", "[io][graph]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {}}});
  for (const GraphKind kind : {GraphKind::kSharing, GraphKind::kTrie}) {
    const json graph = json::parse(Drawn(fleet, kind, GraphFormat::kJson));
    CHECK(graph["nodes"].size() == 1);
    CHECK(graph["edges"].empty());
    CHECK_THAT(Drawn(fleet, kind, GraphFormat::kDot), Catch::Contains("digraph G"));
  }
}

}  // namespace
}  // namespace gneiss
