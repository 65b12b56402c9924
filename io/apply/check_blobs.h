// Whether blobs are what their digests say: read from end to end and hashed, not unpacked. For
// layers whose contents are known already.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "io/source/layer_blobs.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// What is wrong with each blob, in words; empty when nothing is. Parallel to `layers`.
// `on_progress` is called with the bytes read so far, in the caller's thread, about ten times a
// second; may be empty. Never throws for what is wrong with a blob. Time O(bytes).
[[nodiscard]] std::vector<std::string> CheckBlobs(
    const Fleet& fleet, const LayerBlobs& blobs, std::span<const LayerIndex> layers,
    std::int64_t jobs, const std::function<void(Bytes bytes_read)>& on_progress = {});

}  // namespace gneiss
