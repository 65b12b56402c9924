// A made-up fleet of images on many versions of a few bases, the same for a seed on every machine:
// for planning rebases at size.
#pragma once

#include <cstdint>

#include "planner/fleet/fleet.h"

namespace gneiss {

// Operating systems are released again and again, all under one tag each; so are runtimes, each
// release on the system that was current then. Images stand on releases of either, most on recent
// ones, and name their base in a label; some have been pulled a thousand times as often as others.
struct RebaseFleetOptions {
  std::uint32_t num_images = 5000;  // besides the bases
  std::uint32_t num_systems = 4;
  std::uint32_t num_runtimes = 4;
  std::uint32_t num_versions = 500;  // of all bases
  std::uint64_t seed = 1;
};
[[nodiscard]] Fleet MakeRebaseFleet(const RebaseFleetOptions& options);

}  // namespace gneiss
