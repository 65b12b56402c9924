// Which nodes run which images, as `kubectl get pods --all-namespaces -o json` prints it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "planner/fleet/demand.h"

namespace gneiss {

// Of one file of pods; a cluster of 10,000 has 200 MB.
inline constexpr std::size_t kMaxPodsBytes = std::size_t{1} << 30;

// Whether a file that begins like this is one of pods.
[[nodiscard]] bool IsPods(std::string_view head);

// Adds a pool for all nodes that run the same images, named by the first of them, to
// `demand.pools` and `demand.pool_uses`. Throws InputError with `path` when `text` is no JSON, or
// no pod in it runs on a node.
void ReadPods(std::string_view text, const std::string& path, Demand& demand);

}  // namespace gneiss
