#include "planner/squash/segment_weights.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/contents/merged_size.h"
#include "planner/fleet/layer_trie.h"
#include "tests/make/content_fleet.h"
#include "tests/make/plain_overlay.h"
#include "tests/make/rounds.h"

namespace gneiss {
namespace {

using namespace tiny;

bool LiesBelow(const std::string& path, const std::string& top) {
  return path.starts_with(top + "/");
}

// The definition of merged_size.h by a merge on strings.
Bytes MergeSegmentPlainly(const ContentFleet& made, std::span<const LayerIndex> segment,
                          bool keep_markers) {
  struct Cover {
    std::string path;
    EntryType type;
    std::size_t position;
    Bytes bytes;
  };
  PlainOverlay overlay(keep_markers);  // its layers are positions in the segment
  std::vector<Cover> covers;
  Bytes overhead = INT64_MAX;
  for (std::uint32_t p = 0; p < segment.size(); ++p) {
    const Inventory& inventory = *made.contents.inventories[segment[p]];
    overlay.Push(p, inventory);
    overhead = std::min(overhead, inventory.overhead_bytes);
    const std::vector<std::uint32_t> superseded_by = FindSuperseded(inventory);
    for (std::uint32_t e = 0; e < inventory.entries.size(); ++e) {
      const Entry& entry = inventory.entries[e];
      if (superseded_by[e] != kNone) continue;
      covers.push_back({std::string(inventory.path(entry)), entry.type, p,
                        made.contents.NewBytes(segment[p], entry)});
    }
  }
  Bytes bytes = overhead;
  for (const EntryRef ref : overlay.Alive()) {
    if (ref.layer == kNone) continue;
    bytes += made.contents.NewBytesOf({segment[ref.layer], ref.entry});
  }
  if (!keep_markers) return bytes;
  for (const Cover& marker : covers) {
    if (marker.type != EntryType::kWhiteout && marker.type != EntryType::kOpaque) continue;
    const bool is_covered = std::ranges::any_of(covers, [&](const Cover& above) {
      if (above.position <= marker.position || above.type == EntryType::kDirectory) return false;
      if (LiesBelow(marker.path, above.path)) return true;
      return above.path == marker.path &&
             (above.type != EntryType::kOpaque || marker.type == EntryType::kOpaque);
    });
    if (!is_covered) bytes += marker.bytes;
  }
  return bytes;
}

TEST_CASE("Segments weigh what a merge of their layers does", "[planner][segment_weights]") {
  std::mt19937 random(20261122);
  std::size_t num_segments = 0;
  std::size_t num_lighter = 0;
  std::size_t num_not_known = 0;
  for (int round = 0; round < NumRounds(5000); ++round) {
    const ContentFleet made = RandomContentFleet(random);
    const LayerTrie trie = BuildLayerTrie(made.fleet);
    const ContentWeights weights(made.fleet, trie, made.contents);
    const std::vector<std::uint8_t> is_first = FindFirstLayers(made.fleet);
    MergedSizes sizes(made.fleet, made.contents);
    for (NodeIndex v = 0; v < trie.size(); ++v) {
      std::vector<LayerIndex> chain(trie.depth[v]);
      for (NodeIndex u = v; u != kNoNode; u = trie.parent[u]) {
        chain[trie.depth[u] - 1] = trie.layer[u];
      }
      std::vector<std::int64_t> filled(trie.depth[v], -1);
      weights.Fill(v, filled);
      Bytes sum = 0;
      for (std::uint32_t a = trie.depth[v]; a-- > 0;) {
        INFO("round " << round << " node " << v << " from " << a);
        const auto segment = std::span<const LayerIndex>(chain).subspan(a);
        sum += made.fleet.layers[segment.front()].size;
        REQUIRE(filled[a] == sizes.Of(segment));
        // In another codec what is joined may weigh more.
        if (!made.contents.new_codec()) REQUIRE(filled[a] <= sum);
        ++num_segments;
        if (segment.size() == 1 || !sizes.AreKnown(segment)) {
          REQUIRE(filled[a] == sum);
          num_not_known += segment.size() == 1 ? 0 : 1;
          continue;
        }
        REQUIRE(filled[a] == MergeSegmentPlainly(made, segment, is_first[segment.front()] == 0));
        num_lighter += filled[a] < sum ? 1 : 0;
      }
    }
  }
  REQUIRE(num_segments > NumRounds(40'000));
  REQUIRE(num_lighter > NumRounds(15'000));
  REQUIRE(num_not_known > NumRounds(1'000));
}

Bytes SizeOf(const std::vector<std::vector<TinyEntry>>& layers,
             const std::vector<std::vector<std::uint32_t>>& chains, std::uint32_t offset,
             std::uint32_t length) {
  const ContentFleet made = MakeContentFleet(layers, chains);
  MergedSizes sizes(made.fleet, made.contents);
  return sizes.Of(made.fleet.chain(made.fleet.images[0]).subspan(offset, length));
}

TinyEntry Heavy(TinyEntry entry, Bytes bytes) {
  entry.blob_bytes = bytes;
  return entry;
}

TEST_CASE(
    "What the layer above deletes is not in the joined layer, nor is the whiteout where "
    "nothing lies below",
    "[planner][merged_size]") {
  const std::vector<std::vector<TinyEntry>> layers = {
      {Heavy(File("base"), 1000)},
      {Heavy(File("gcc"), 500), Heavy(File("cache"), 300)},
      {Whiteout("cache")}};
  CHECK(SizeOf(layers, {{1, 2}}, 0, 2) == 500);
  // Below, there may be a file at the same path.
  CHECK(SizeOf(layers, {{0, 1, 2}}, 1, 2) == 501);
  CHECK(SizeOf(layers, {{0, 1, 2}}, 0, 3) == 1500);
  // One list of layers is one blob, so it must do for the chain in which something lies below.
  CHECK(SizeOf(layers, {{1, 2}, {0, 1, 2}}, 0, 2) == 501);
}

TEST_CASE("A whiteout goes when a higher layer covers its path", "[planner][merged_size]") {
  const std::vector<TinyEntry> base = {File("x")};
  const auto size = [&](std::vector<TinyEntry> lower, std::vector<TinyEntry> upper) {
    return SizeOf({base, std::move(lower), std::move(upper)}, {{0, 1, 2}}, 1, 2);
  };
  const TinyEntry marker = Heavy(Whiteout("d/a"), 50);
  CHECK(size({marker}, {Whiteout("d/a")}) == 1);
  CHECK(size({marker}, {Whiteout("d")}) == 1);
  CHECK(size({marker}, {Opaque("d")}) == 1);
  CHECK(size({marker}, {File("d/a")}) == 1);
  CHECK(size({marker}, {Directory("d/a")}) == 51);
  CHECK(size({marker}, {Opaque("d/a")}) == 51);
  CHECK(size({Heavy(Opaque("d/a"), 50)}, {Opaque("d/a")}) == 1);
}

TEST_CASE("Contents stay in the joined layer as long as one of their names does",
          "[planner][merged_size]") {
  const std::vector<TinyEntry> lower = {Heavy(File("a"), 100), HardLink("b", "a")};
  CHECK(SizeOf({lower, {Whiteout("a")}}, {{0, 1}}, 0, 2) == 101);
  CHECK(SizeOf({lower, {Whiteout("a"), Whiteout("b")}}, {{0, 1}}, 0, 2) == 0);
  CHECK(SizeOf({lower, {HardLink("c", "b")}, {Whiteout("a"), Whiteout("b")}}, {{0, 1, 2}}, 0, 3) ==
        101);
}

TEST_CASE("One layer weighs its blob, duplicates and all", "[planner][merged_size]") {
  CHECK(SizeOf({{File("a", "1"), File("a", "2"), Whiteout("b")}}, {{0}}, 0, 1) == 3);
  // Joined with another it has the second one only.
  CHECK(SizeOf({{File("a", "1"), File("a", "2")}, {File("b")}}, {{0, 1}}, 0, 2) == 2);
}

TEST_CASE("A joined layer has the end of one archive", "[planner][merged_size]") {
  const ContentFleet made = MakeContentFleet({{File("a")}, {File("b")}}, {{0, 1}}, {}, {40, 30});
  MergedSizes sizes(made.fleet, made.contents);
  const auto chain = made.fleet.chain(made.fleet.images[0]);
  CHECK(sizes.Of(chain) == 32);
  CHECK(sizes.Of(chain.first(1)) == 41);
}

}  // namespace
}  // namespace gneiss
