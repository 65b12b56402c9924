#include "planner/fleet/tag_history.h"

#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/bases/lineages.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet_builder.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

using Texts = std::vector<std::string>;

class EventsMaker {
 public:
  explicit EventsMaker(std::vector<EventManifest> manifests) {
    result.manifests = std::move(manifests);
  }
  EventsMaker& Move(const std::string& ref, std::uint32_t manifest,
                    const std::string& platform = "linux/amd64") {
    Add(TagEvent::Kind::kMove, ref, platform).manifest = manifest;
    return *this;
  }
  EventsMaker& Remove(const std::string& ref) {
    Add(TagEvent::Kind::kRemoval, ref, "linux/amd64");
    return *this;
  }

  TagEvents result;

 private:
  TagEvent& Add(TagEvent::Kind kind, const std::string& ref, const std::string& platform) {
    result.events.push_back({.kind = kind,
                             .time = std::ssize(result.events),
                             .ref = result.texts.Intern(ref),
                             .platform = result.texts.Intern(platform)});
    return result.events.back();
  }
};

EventManifest ByNumber(int number) { return {.digest = {}, .name = std::to_string(number)}; }
EventManifest ByName(const std::string& name) {
  const Digest digest = NamedDigest("manifest " + name);
  return {.digest = digest, .name = FormatDigest(digest)};
}

// "ref=image", each in its order.
Texts Tell(const Fleet& fleet, const TagHistory& history) {
  Texts told;
  for (const PastRef& past : history.past_refs) {
    told.push_back(past.ref + "=" + fleet.name(fleet.images[past.image]));
  }
  return told;
}

Fleet TwoVersions() {
  return MakeTinyFleet({{.ref = "base:1.0", .layers = {"v1:1"}, .manifest = "m1"},
                        {.ref = "base:1", .layers = {"v2:1"}, .manifest = "m2"},
                        {.ref = "app:1", .layers = {"v1:1", "a:1"}, .manifest = "m3"}});
}

TEST_CASE("Moves of tags by digest tell what images were called", "[planner][tag_history]") {
  const Fleet fleet = TwoVersions();
  const TagHistory history = JoinTagEvents(EventsMaker({ByName("m1"), ByName("m2"), ByName("gone")})
                                               .Move("docker.io/library/base:1", 0)
                                               .Move("base:1.0", 0)
                                               .Move("base:1", 2)
                                               .Move("base:1", 1)
                                               .Move("base", 0)
                                               .Remove("other:1")
                                               .result,
                                           fleet);
  CHECK(Tell(fleet, history) == Texts{"base:1=base:1.0", "base:latest=base:1.0"});
  CHECK(history.num_moves == 6);
  CHECK(history.num_refs == 4);
  CHECK(history.num_unknown_refs == 1);
  CHECK(history.unknown == Texts{"other:1"});
  CHECK(history.num_manifests == 3);
  CHECK(history.num_gone_manifests == 1);
  CHECK(history.num_images == 1);
}

TEST_CASE("A number is the image that a ref of the fleet names last", "[planner][tag_history]") {
  const Fleet fleet = TwoVersions();
  const TagHistory history = JoinTagEvents(EventsMaker({ByNumber(7), ByNumber(8), ByNumber(9)})
                                               .Move("base:1", 0)
                                               .Move("base:1.0", 0)
                                               .Move("base:1", 1)
                                               .Move("base:1", 1, "linux/arm64")
                                               .Move("app:1", 2)
                                               .Remove("app:1")
                                               .result,
                                           fleet);
  CHECK(Tell(fleet, history) == Texts{"base:1=base:1.0"});
  // app:1 is gone by these events, so 9 is no image of the fleet.
  CHECK(history.num_gone_manifests == 1);
}

TEST_CASE("A number that refs disagree about is of no image", "[planner][tag_history]") {
  const Fleet fleet = TwoVersions();
  const TagHistory history = JoinTagEvents(
      EventsMaker({ByNumber(1)}).Move("base:1", 0).Move("base:1.0", 0).Move("app:1", 0).result,
      fleet);
  CHECK(history.past_refs.empty());
  CHECK(history.num_gone_manifests == 1);
}

TEST_CASE("Images that a tag once named are versions of one base", "[planner][lineages]") {
  const Fleet fleet = TwoVersions();
  const LayerTrie trie = BuildLayerTrie(fleet);
  REQUIRE(FindLineages(fleet, trie).empty());
  const TagHistory history = JoinTagEvents(
      EventsMaker({ByName("m1"), ByName("m2")}).Move("base:1", 0).Move("base:1", 1).result, fleet);
  const std::vector<Lineage> lineages = FindLineages(fleet, trie, {.past_refs = history.past_refs});
  REQUIRE(lineages.size() == 1);
  CHECK(lineages[0].sign == LineageSign::kTagHistory);
  CHECK(lineages[0].name == "base:1");
  REQUIRE(lineages[0].versions.size() == 2);
}

}  // namespace
}  // namespace gneiss
