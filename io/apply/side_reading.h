// What a run of `verify` reads of one side: the contents of its layers, and its blobs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "io/scan/scan_fleet.h"
#include "io/source/layer_blobs.h"
#include "io/store/inventory_store.h"
#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// Whether blobs are what their digests say: read from end to end and hashed, not unpacked. For
// layers whose contents are known already.

// What is wrong with each blob, in words; empty when nothing is. Parallel to `layers`.
// `on_progress` is called with the bytes read so far, in the caller's thread, about ten times a
// second; may be empty. Never throws for what is wrong with a blob. Time O(bytes).
[[nodiscard]] std::vector<std::string> CheckBlobs(
    const Fleet& fleet, const LayerBlobs& blobs, std::span<const LayerIndex> layers,
    std::int64_t jobs, const std::function<void(Bytes bytes_read)>& on_progress = {});

// Images that the target of `apply` says it was written without, so that nobody looks for them.
//
// gneiss-apply.json at the top of a layout, of schema gneiss.apply/1, may have a list of them:
//   "left_out": [{"ref": "shop:1", "manifest_digest": "sha256:...", "why": "..."}]
// Whoever wrote the target wrote that too: it explains an image that is missing, and proves
// nothing.

struct ExcusedImage {
  std::string ref;              // empty: an image without one
  std::string manifest_digest;  // empty: not told
  std::string why;
};

// Of all layouts in directories, in their order; none where no layout has such a file. Throws
// InputError, placed at the file, when one is no JSON or its list is none.
[[nodiscard]] std::vector<ExcusedImage> ReadLeftOut(const LayerBlobs& blobs);

// Layers of one side's fleet, sorted.
struct SideLayers {
  std::vector<LayerIndex> scan;   // whose contents are asked for
  std::vector<LayerIndex> check;  // whose blobs are to be what their digests say
};

struct SideReading {
  FleetScan scan;  // of the layers to scan; what it says of others means nothing
  // Why a layer's blob is not what its digest says, or not there; empty where it is, or where
  // nobody asked. Parallel to Fleet::layers.
  std::vector<std::string> blob_problems;
  std::map<Digest, Inventory> inventories;  // of the layers that were scanned, not of stored ones
  std::int64_t num_blobs_read = 0;          // from end to end
  Bytes bytes_read = 0;
  std::int64_t num_trusted = 0;  // layers to scan whose contents the store told
};

struct SideReadingOptions {
  FleetScanOptions scan;      // `layers` and `rescan` are not looked at
  bool trusts_store = false;  // what the store knows is not scanned
  std::function<void(Bytes bytes_read, Bytes bytes_total)> on_check_progress;  // see CheckBlobs
};

// Scans layers, and keeps what is found in the store for later runs; the store is asked only when
// it is trusted. What a config calls a layer is not held against it here, but by who compares the
// images. A blob that was scanned is not read again to be checked; foreign layers need none. Throws
// what ScanFleet throws.
[[nodiscard]] SideReading ReadSide(const Fleet& fleet, const LayerBlobs& blobs,
                                   InventoryStore& store, const SideLayers& layers,
                                   const SideReadingOptions& options);

}  // namespace gneiss
