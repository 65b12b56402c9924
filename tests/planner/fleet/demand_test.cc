#include "planner/fleet/demand.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet_builder.h"

namespace gneiss {
namespace {

struct NamedImage {
  std::string ref;
  std::string platform = "linux/amd64";
  std::vector<std::string> pools = {};
};

// Each image is a manifest of its own, named by its ref and platform.
Fleet FleetOf(std::initializer_list<NamedImage> images) {
  FleetBuilder builder;
  for (const NamedImage& image : images) {
    ImageRecord record;
    record.ref = image.ref;
    record.platform = image.platform;
    record.manifest_digest = Sha256(image.ref + image.platform);
    record.config_digest = Sha256("config " + image.ref + image.platform);
    for (const std::string& pool : image.pools) record.pools.push_back({.name = pool, .nodes = 4});
    builder.Add(record);
  }
  return builder.Build();
}

// "ref platform pulls pools", a line for each image.
std::string TellDemand(const Fleet& fleet) {
  std::string told;
  for (const Image& image : fleet.images) {
    told += fleet.name(image) + " " + std::string(fleet.text(image.platform)) + " " +
            std::to_string(image.pulls);
    for (const PoolIndex pool : fleet.pools_of(image)) {
      told += " " + std::string(fleet.text(fleet.pools[pool].name)) + "=" +
              std::to_string(fleet.pools[pool].nodes);
    }
    told += "\n";
  }
  return told;
}

TEST_CASE("Pulls are joined by ref, in any spelling, and by digest", "[planner][demand]") {
  Fleet fleet = FleetOf({{"app:latest"}, {"docker.io/library/db:1"}, {"host:5000/x/y:2"}, {"z:1"}});
  const std::string manifest = FormatDigest(Sha256("host:5000/x/y:2linux/amd64"));
  const DemandJoin join =
      JoinPulls({.pulls = {{.name = "docker.io/library/app", .pulls = 5},
                           {.name = "app:latest", .pulls = 2},
                           {.name = "db:1", .pulls = 7},
                           {.name = "elsewhere@" + manifest, .pulls = 1},
                           {.name = "docker-pullable://x/y@" + manifest, .pulls = 2},
                           {.name = manifest, .pulls = 3},
                           {.name = "z:2", .pulls = 100},
                           {.name = "z:2", .pulls = 100},
                           {.name = "", .pulls = 100}},
                 .pools = {},
                 .pool_uses = {}},
                fleet);
  CHECK(TellDemand(fleet) ==
        "app:latest linux/amd64 7\ndocker.io/library/db:1 linux/amd64 7\n"
        "host:5000/x/y:2 linux/amd64 6\nz:1 linux/amd64 1\n");
  CHECK(join.num_names == 8);
  CHECK(join.unknown == std::vector<std::string>{"", "z:2"});
  CHECK(join.num_images == 3);
  CHECK(join.num_several_platforms == 0);
}

TEST_CASE("A digest that the fleet does not have leaves the ref", "[planner][demand]") {
  Fleet fleet = FleetOf({{"app:1"}});
  const std::string index = FormatDigest(Sha256("an index"));
  const DemandJoin join = JoinPulls(
      {.pulls = {{.name = "app:1@" + index, .pulls = 4}}, .pools = {}, .pool_uses = {}}, fleet);
  CHECK(TellDemand(fleet) == "app:1 linux/amd64 4\n");
  CHECK(join.unknown.empty());
}

TEST_CASE("Pulls of several platforms are split, and none are lost", "[planner][demand]") {
  const std::initializer_list<NamedImage> images = {
      {"app:1", "linux/amd64"}, {"app:1", "linux/arm64"}, {"app:1", "linux/s390x"}};
  Fleet fleet = FleetOf(images);
  const DemandJoin join =
      JoinPulls({.pulls = {{.name = "app:1", .pulls = 11}}, .pools = {}, .pool_uses = {}}, fleet);
  CHECK(TellDemand(fleet) == "app:1 linux/amd64 4\napp:1 linux/arm64 4\napp:1 linux/s390x 3\n");
  CHECK(join.num_several_platforms == 1);

  Fleet one = FleetOf(images);
  (void)JoinPulls({.pulls = {{.name = "app:1", .platform = "linux/arm64", .pulls = 11}},
                   .pools = {},
                   .pool_uses = {}},
                  one);
  CHECK(TellDemand(one) == "app:1 linux/amd64 1\napp:1 linux/arm64 11\napp:1 linux/s390x 1\n");
}

TEST_CASE("Sums of pulls that leave the numbers are refused", "[planner][demand]") {
  Fleet fleet = FleetOf({{"app:1"}});
  const std::int64_t most = std::int64_t{1} << 62;
  CHECK_THROWS_AS(JoinPulls({.pulls = {{.name = "app:1", .pulls = most},
                                       {.name = "app:1", .pulls = most},
                                       {.name = "app:1", .pulls = most}},
                             .pools = {},
                             .pool_uses = {}},
                            fleet),
                  InputError);
}

TEST_CASE("Pools join those of the fleet; of several platforms nodes run amd64",
          "[planner][demand]") {
  Fleet fleet = FleetOf({{"app:1", "linux/arm64"},
                         {"app:1", "linux/amd64"},
                         {"db:1", "linux/s390x"},
                         {"db:1", "linux/arm64"},
                         {"old:1", "linux/amd64", {"own"}},
                         {"none:1"}});
  const DemandJoin join = JoinPools({.pulls = {},
                                     .pools = {{"web", 3}, {"batch", 2}, {"own", 4}, {"idle", 9}},
                                     .pool_uses = {{.pool = "web", .name = "app:1"},
                                                   {.pool = "batch", .name = "app:1"},
                                                   {.pool = "web", .name = "app:1"},
                                                   {.pool = "web", .name = "db:1"},
                                                   {.pool = "own", .name = "gone:1"}}},
                                    fleet);
  CHECK(TellDemand(fleet) ==
        "app:1 linux/amd64 1 batch=2 web=3\napp:1 linux/arm64 1\ndb:1 linux/arm64 1 web=3\n"
        "db:1 linux/s390x 1\nnone:1 linux/amd64 1\nold:1 linux/amd64 1 own=4\n");
  CHECK(join.unknown == std::vector<std::string>{"gone:1"});
  CHECK(join.num_images == 2);
  CHECK(join.num_several_platforms == 2);
  CHECK(fleet.pools.size() == 4);

  Fleet other = FleetOf({{"old:1", "linux/amd64", {"own"}}});
  CHECK_THROWS_WITH(JoinPools({.pulls = {}, .pools = {{"own", 5}}, .pool_uses = {}}, other),
                    "pool \"own\" has 4 nodes in the fleet, here 5; give it one number everywhere");
}

}  // namespace
}  // namespace gneiss
