// Files that tell the demand for images (planner/fleet/demand.h), plain or compressed, by what they
// are:
//
//   pulls   CSV "ref,pulls[,platform]"; or a JSON object a line {"ref","pulls","platform"?}, with
//           "digest" in place of "ref" as well
//   pools   CSV "pool,nodes,ref"; or a JSON object a line {"pool","nodes","images":[...]}; or what
//           `kubectl get pods --all-namespaces -o json` prints: nodes that run the same images are
//           a pool, named by the first of them
//
// Lines are as record_lines.h says, pods as pods_file.h does.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "io/bytes/byte_source.h"
#include "planner/fleet/demand.h"

namespace gneiss {

// Each throws InputError with `path` and the line (of a file of pods the field) when something is
// no such file, and when it has no line; what OpenFile and ByteSource::Read throw. The first one
// fills demand.pulls, the second one the rest.
void ReadPulls(std::unique_ptr<ByteSource> stored, const std::string& path, Demand& demand);
void ReadPools(std::unique_ptr<ByteSource> stored, const std::string& path, Demand& demand);

// Which nodes run which images, as `kubectl get pods --all-namespaces -o json` prints it.

// Of one file of pods; a cluster of 10,000 has 200 MB.
inline constexpr std::size_t kMaxPodsBytes = std::size_t{1} << 30;

// Whether a file that begins like this is one of pods.
[[nodiscard]] bool IsPods(std::string_view head);

// Adds a pool for all nodes that run the same images, named by the first of them, to
// `demand.pools` and `demand.pool_uses`. Throws InputError with `path` when `text` is no JSON, or
// no pod in it runs on a node.
void ReadPods(std::string_view text, const std::string& path, Demand& demand);

}  // namespace gneiss
