// Demand that is known elsewhere than where the images are: how often they are pulled, and which
// nodes run them. Joined to a fleet by ref or by digest.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "planner/fleet/fleet.h"

namespace gneiss {

// `name` of an image as registries' logs, people and kubelets write it: "app:1",
// "host/app@sha256:...", "sha256:...", "docker-pullable://app@sha256:...". A digest goes before a
// ref where there are both. A name without a tag means :latest, "docker.io/library/" may be left
// out.
struct PullCount {
  std::string name;
  std::string platform;  // empty: any
  std::int64_t pulls = 0;
};

struct PoolUse {
  std::string pool;
  std::string name;
};

struct Demand {
  std::vector<PullCount> pulls;
  std::map<std::string, std::int64_t> pools;  // nodes by name
  std::vector<PoolUse> pool_uses;             // each names one of `pools`
};

// What joining met.
struct DemandJoin {
  std::int64_t num_names = 0;              // different ones
  std::vector<std::string> unknown;        // names of no image, sorted, each once
  std::int64_t num_images = 0;             // that got demand
  std::int64_t num_several_platforms = 0;  // names that mean images of several platforms
};

// Gives the images that `demand.pulls` names the sum of their pulls in place of what they had; the
// others keep theirs. Pulls of a name that means images of several platforms are split evenly, the
// first ones getting what is left. Throws InputError when sums leave int64.
// COST: O((refs + names) log).
[[nodiscard]] DemandJoin JoinPulls(const Demand& demand, Fleet& fleet);

// Puts the images that `demand.pool_uses` names on those pools, beside what the fleet says. Of
// several platforms a name means linux/amd64, else the first one. Throws InputError when a pool has
// another number of nodes in the fleet.
[[nodiscard]] DemandJoin JoinPools(const Demand& demand, Fleet& fleet);

}  // namespace gneiss
