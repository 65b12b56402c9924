#include "planner/fleet/layer_trie.h"

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/random_fleet.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

using LayerChain = std::vector<LayerIndex>;

LayerChain ChainOf(const Fleet& fleet, ImageIndex i) {
  const auto chain = fleet.chain(fleet.images[i]);
  return {chain.begin(), chain.end()};
}

// Layers from the root to a node.
LayerChain ChainTo(const LayerTrie& trie, NodeIndex v) {
  LayerChain prefix;
  for (; v != kNoNode; v = trie.parent[v]) prefix.insert(prefix.begin(), trie.layer[v]);
  return prefix;
}

TEST_CASE("The trie of a base and two images has a branch for each", "[planner][layer_trie]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"base:9"}},
                                     {.ref = "b:1", .layers = {"base:9", "x:1", "y:1"}},
                                     {.ref = "c:1", .layers = {"base:9", "z:1"}}});
  const LayerTrie trie = BuildLayerTrie(fleet);
  REQUIRE(trie.size() == 4);
  CHECK(trie.parent == std::vector<NodeIndex>{kNoNode, 0, 1, 0});
  CHECK(trie.depth == std::vector<std::uint32_t>{1, 2, 3, 2});
  CHECK(trie.subtree_end == std::vector<NodeIndex>{4, 3, 3, 4});
  CHECK(trie.num_ends == std::vector<std::uint32_t>{1, 0, 1, 1});
  CHECK(trie.images_below(0).size() == 3);
  CHECK(trie.images_below(1).size() == 1);
  CHECK(trie.sum_of_depths() == 8);
}

TEST_CASE("Nodes of the trie are the distinct prefixes of all chains", "[planner][layer_trie]") {
  std::mt19937_64 random(21);
  for (int round = 0; round < NumRounds(300); ++round) {
    const Fleet fleet = BuildRandomFleet(MakeRandomFleet(random, 8));
    std::set<LayerChain> prefixes;
    std::map<LayerChain, std::set<ImageIndex>> below;
    std::map<LayerChain, std::set<ImageIndex>> ending;
    std::uint32_t without_layers = 0;
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      const LayerChain chain = ChainOf(fleet, i);
      if (chain.empty()) ++without_layers;
      for (std::size_t d = 1; d <= chain.size(); ++d) {
        const LayerChain prefix(chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(d));
        prefixes.insert(prefix);
        below[prefix].insert(i);
        if (d == chain.size()) ending[prefix].insert(i);
      }
    }
    const LayerTrie trie = BuildLayerTrie(fleet);
    CAPTURE(round);
    REQUIRE(trie.num_without_layers == without_layers);
    REQUIRE(trie.size() == prefixes.size());
    std::set<LayerChain> found;
    for (NodeIndex v = 0; v < trie.size(); ++v) {
      const LayerChain prefix = ChainTo(trie, v);
      found.insert(prefix);
      REQUIRE(trie.depth[v] == prefix.size());
      const auto images = trie.images_below(v);
      REQUIRE(std::set<ImageIndex>(images.begin(), images.end()) == below[prefix]);
      const auto ends = trie.images_ending(v);
      REQUIRE(std::set<ImageIndex>(ends.begin(), ends.end()) == ending[prefix]);
      for (NodeIndex w = 0; w < trie.size(); ++w) {
        const LayerChain other = ChainTo(trie, w);
        const bool is_below = other.size() >= prefix.size() &&
                              std::equal(prefix.begin(), prefix.end(), other.begin());
        REQUIRE(is_below == (w >= v && w < trie.subtree_end[v]));
      }
    }
    REQUIRE(found == prefixes);
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      const NodeIndex end = trie.node_of_image[i];
      if (end == kNoNode) {
        REQUIRE(fleet.images[i].num_layers == 0);
      } else {
        REQUIRE(ChainTo(trie, end) == ChainOf(fleet, i));
      }
    }
  }
}

TEST_CASE("Images that are left out leave no node", "[planner][layer_trie]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "a:1", .layers = {"base:9", "x:1"}}, {.ref = "b:1", .layers = {"base:9", "y:1"}}});
  const LayerTrie trie = BuildLayerTrie(fleet, [](ImageIndex i) { return i == 0; });
  CHECK(trie.size() == 2);
  CHECK(trie.chain_order == std::vector<ImageIndex>{0});
  CHECK(trie.node_of_image == std::vector<NodeIndex>{1, kNoNode});
}

TEST_CASE("LayerChain ids follow the formula of the OCI image spec", "[planner][layer_trie]") {
  const Fleet fleet =
      MakeTinyFleet({{.ref = "a:1", .layers = {"x:1=one", "y:1=two", "z:1=three"}}});
  const std::vector<Digest> ids = ChainIds(fleet, BuildLayerTrie(fleet));
  const auto diff_id = [](const char* name) {
    return FormatDigest(NamedDigest(std::string("diff ") + name));
  };
  // ChainID(L0) = DiffID(L0); ChainID(L0|..|Ln) = Digest(ChainID(L0|..|Ln-1) + " " + DiffID(Ln)).
  const std::string first = diff_id("one");
  const std::string second = FormatDigest(Sha256(first + " " + diff_id("two")));
  const std::string third = FormatDigest(Sha256(second + " " + diff_id("three")));
  REQUIRE(ids.size() == 3);
  CHECK(FormatDigest(ids[0]) == first);
  CHECK(FormatDigest(ids[1]) == second);
  CHECK(FormatDigest(ids[2]) == third);
}

TEST_CASE("A chain id is unknown from the first unknown diff_id on", "[planner][layer_trie]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"x:1=one", "y:1", "z:1=three"}}});
  const std::vector<Digest> ids = ChainIds(fleet, BuildLayerTrie(fleet));
  REQUIRE(ids.size() == 3);
  CHECK(ids[0] != Digest());
  CHECK(ids[1] == Digest());
  CHECK(ids[2] == Digest());
}

}  // namespace
}  // namespace gneiss
