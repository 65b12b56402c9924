#include "planner/questions/tag_replay.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

// A history of random moves and removals of few tags over the images of a small fleet.
struct RandomTagHistory {
  Fleet fleet;
  TagEvents events;
  std::vector<ImageIndex> image_of;

  explicit RandomTagHistory(std::mt19937& random, bool with_pulls = false) {
    const auto pick = [&](int count) {
      return std::uniform_int_distribution<int>(0, count - 1)(random);
    };
    std::vector<TinyImage> images;
    for (int i = 0; i < 6; ++i) {
      TinyImage image{.ref = "image:" + std::to_string(i), .layers = {}};
      for (int k = 0, depth = 1 + pick(3); k < depth; ++k) {
        const std::string layer = std::to_string(pick(8));
        image.layers.push_back("l" + layer + ":" + std::to_string(10 + std::stoi(layer)));
      }
      images.push_back(image);
    }
    fleet = MakeTinyFleet(images);
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      events.manifests.push_back({.number = i, .name = std::to_string(i)});
      image_of.push_back(i);
    }
    std::int64_t time = 0;
    for (int e = 0; e < 40; ++e) {
      time += pick(3);
      TagEvent event{.time = time,
                     .ref = events.texts.Intern("t:" + std::to_string(pick(4))),
                     .platform = events.texts.Intern(pick(4) == 0 ? "linux/arm64" : "")};
      const int kind = pick(10);
      if (kind == 0) {
        event.kind = TagEvent::Kind::kRemoval;
      } else if (with_pulls && kind < 4) {
        event.kind = TagEvent::Kind::kPull;
        event.pulls = pick(4);
      } else {
        event.manifest = static_cast<std::uint32_t>(pick(6));
      }
      events.events.push_back(event);
    }
  }

  std::set<LayerIndex> LayersOf(ImageIndex i) const {
    const auto chain = fleet.chain(fleet.images[i]);
    return {chain.begin(), chain.end()};
  }
};

TEST_CASE("A replay holds and pushes what a recount of every moment says",
          "[planner][tag_replay]") {
  std::mt19937 random(7);
  for (int round = 0; round < NumRounds(200); ++round) {
    const RandomTagHistory history(random);
    const std::int64_t last = history.events.events.back().time;
    // A period for each second.
    ReplayOptions options{.ends = {}, .num_nodes = 3, .images_per_node = 1000};
    for (std::int64_t end = 1; end <= last + 1; ++end) options.ends.push_back(end);
    const std::vector<ReplayPeriod> periods = ReplayTags(
        history.events, history.image_of, history.fleet, CurrentLayout(history.fleet), options);
    std::map<std::pair<TextIndex, TextIndex>, ImageIndex> tags;
    std::size_t next = 0;
    for (const ReplayPeriod& period : periods) {
      Bytes pushed = 0;
      const auto held = [&] {
        std::set<LayerIndex> layers;
        for (const auto& [tag, image] : tags) layers.merge(history.LayersOf(image));
        return layers;
      };
      for (; next < history.events.events.size() && history.events.events[next].time < period.end;
           ++next) {
        const TagEvent& event = history.events.events[next];
        const std::set<LayerIndex> before = held();
        if (event.kind == TagEvent::Kind::kRemoval) {
          tags.erase({event.ref, event.platform});
        } else {
          tags[{event.ref, event.platform}] = history.image_of[event.manifest];
          for (const LayerIndex l : history.LayersOf(history.image_of[event.manifest])) {
            if (!before.contains(l)) pushed += history.fleet.layers[l].size;
          }
        }
      }
      std::set<ImageIndex> images;
      Bytes stored = 0;
      Bytes logical = 0;
      for (const auto& [tag, image] : tags) images.insert(image);
      for (const LayerIndex l : held()) stored += history.fleet.layers[l].size;
      for (const ImageIndex i : images) {
        for (const LayerIndex l : history.LayersOf(i)) logical += history.fleet.layers[l].size;
      }
      REQUIRE(period.tags == std::ssize(tags));
      REQUIRE(period.images == std::ssize(images));
      REQUIRE(period.layers == std::ssize(held()));
      REQUIRE(period.stored == stored);
      REQUIRE(period.logical == logical);
      REQUIRE(period.pushed == pushed);
      // Nodes that run every tag fetch what is pushed, each.
      REQUIRE(period.fetched == 3 * pushed);
    }
    const std::vector<ImageIndex> named = ImagesNamedAt(history.events, history.image_of, last + 1);
    std::set<ImageIndex> images;
    for (const auto& [tag, image] : tags) images.insert(image);
    REQUIRE(named == std::vector<ImageIndex>(images.begin(), images.end()));
  }
}

// Mean bytes that nodes fetch over all ways in which pulls can fall on two of them.
double MeanFetched(const RandomTagHistory& history) {
  double sum = 0;
  std::int64_t num_ways = 0;
  std::int64_t num_pulls = 0;
  for (const TagEvent& event : history.events.events) num_pulls += event.pulls;
  for (std::uint64_t way = 0; way < (std::uint64_t{1} << num_pulls); ++way) {
    std::map<std::pair<TextIndex, TextIndex>, ImageIndex> tags;
    std::set<LayerIndex> caches[2];
    std::int64_t pull = 0;
    for (const TagEvent& event : history.events.events) {
      const std::pair tag(event.ref, event.platform);
      if (event.kind == TagEvent::Kind::kMove) tags[tag] = history.image_of[event.manifest];
      if (event.kind == TagEvent::Kind::kRemoval) tags.erase(tag);
      for (std::int64_t k = 0; k < event.pulls; ++k, ++pull) {
        if (!tags.contains(tag)) continue;
        std::set<LayerIndex>& cache = caches[(way >> pull) & 1U];
        for (const LayerIndex l : history.LayersOf(tags.at(tag))) {
          if (cache.insert(l).second) sum += static_cast<double>(history.fleet.layers[l].size);
        }
      }
    }
    ++num_ways;
  }
  return sum / static_cast<double>(num_ways);
}

TEST_CASE("Pulls fetch what they do on average over all nodes they may fall on",
          "[planner][tag_replay]") {
  std::mt19937 random(11);
  int compared = 0;
  for (int round = 0; round < NumRounds(100); ++round) {
    const RandomTagHistory history(random, true);
    std::int64_t num_pulls = 0;
    bool has_pulls = false;
    for (const TagEvent& event : history.events.events) {
      num_pulls += event.pulls;
      has_pulls = has_pulls || event.kind == TagEvent::Kind::kPull;
    }
    if (num_pulls > 10 || !has_pulls) continue;
    ++compared;
    const std::vector<ReplayPeriod> periods =
        ReplayTags(history.events, history.image_of, history.fleet, CurrentLayout(history.fleet),
                   {.ends = {history.events.events.back().time + 1}, .num_nodes = 2});
    REQUIRE(periods[0].pulls == num_pulls);
    REQUIRE(std::abs(static_cast<double>(periods[0].fetched) - MeanFetched(history)) <= 0.51);
  }
  REQUIRE(compared > 0);
}

TEST_CASE("Nodes that run few tags fetch a moved one as often as they run it",
          "[planner][tag_replay]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"base:1000", "a:100"}},
                                     {.ref = "b:1", .layers = {"base:1000", "b:10"}}});
  TagEvents events;
  events.manifests = {{.number = 0, .name = "0"}, {.number = 1, .name = "1"}};
  for (const std::uint32_t m : {0U, 1U}) {
    events.events.push_back(
        {.time = m, .manifest = m, .ref = events.texts.Intern("t:" + std::to_string(m))});
  }
  const std::vector<ImageIndex> image_of = {IndexOf(fleet, "a:1"), IndexOf(fleet, "b:1")};
  const std::vector<ReplayPeriod> periods =
      ReplayTags(events, image_of, fleet, CurrentLayout(fleet),
                 {.ends = {1, 2}, .num_nodes = 100, .images_per_node = 1});
  // All nodes run the one tag; then half of them the second, half of which have the base.
  CHECK(periods[0].fetched == 100 * 1100);
  CHECK(periods[1].fetched == 50 * 10 + 25 * 1000);
}

TEST_CASE("Manifests are found by digest or number; a move to none leaves the tag empty",
          "[planner][tag_replay]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"a:100"}, .manifest = "m"}});
  TagEvents events;
  events.manifests = {{.digest = NamedDigest("manifest m"), .name = "sha256:"},
                      {.number = 5, .name = "5"},
                      {.number = 6, .name = "6"}};
  const std::vector<ImageIndex> image_of = ImagesOfManifests(events, fleet, {{5, 0}});
  CHECK(image_of == std::vector<ImageIndex>{0, 0, kNone});
  events.events = {{.time = 0, .manifest = 0}, {.time = 1, .manifest = 2}};
  const std::vector<ReplayPeriod> periods =
      ReplayTags(events, image_of, fleet, CurrentLayout(fleet), {.ends = {1, 2}});
  CHECK(periods[0].stored == 100);
  CHECK(periods[1].stored == 0);
  CHECK(periods[1].tags == 0);
}

}  // namespace
}  // namespace gneiss
