// What a run of `verify` reads of one side: the contents of its layers, and its blobs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "io/scan/scan_fleet.h"
#include "io/source/layer_blobs.h"
#include "io/store/inventory_store.h"
#include "planner/bytes.h"
#include "planner/digest.h"
#include "planner/fleet.h"
#include "planner/inventory.h"

namespace gneiss {

struct SideReading {
  FleetScan scan;
  // Why a layer's blob is not what its digest says, or not there; empty where it is, or where
  // nobody asked. Parallel to Fleet::layers.
  std::vector<std::string> blob_problems;
  std::map<Digest, Inventory> inventories;  // of the layers that were scanned, not of stored ones
  std::int64_t num_blobs_read = 0;          // from end to end
  Bytes bytes_read = 0;
};

struct SideReadingOptions {
  FleetScanOptions scan;
  // Whether blobs of layers that the store knows are read as well, against their digests.
  bool check_blobs = false;
  std::function<void(Bytes bytes_read, Bytes bytes_total)> on_check_progress;  // see CheckBlobs
};

// Scans the layers that the store does not know, and keeps them there. Foreign layers need no blob.
// Throws what ScanFleet throws.
[[nodiscard]] SideReading ReadSide(const Fleet& fleet, const LayerBlobs& blobs,
                                   InventoryStore& store, const SideReadingOptions& options);

}  // namespace gneiss
