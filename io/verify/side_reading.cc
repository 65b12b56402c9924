#include "io/verify/side_reading.h"

#include <mutex>
#include <utility>

#include "io/scan/scan_layer.h"
#include "io/verify/check_blobs.h"

namespace gneiss {
namespace {

void CheckSideBlobs(const Fleet& fleet, const LayerBlobs& blobs, const SideReadingOptions& options,
                    SideReading& reading) {
  std::vector<LayerIndex> to_check;
  Bytes total = 0;
  for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
    const LayerScan& scan = reading.scan.layers[l];
    // What was scanned was held against its digest, where that is one to be checked.
    if (scan.was_read && fleet.layers[l].verifiable) continue;
    if (scan.outcome == LayerOutcome::kNoBlob) {
      if (!fleet.layers[l].foreign) reading.blob_problems[l] = "no source has the blob";
      continue;
    }
    if (fleet.layers[l].foreign) continue;
    to_check.push_back(l);
    total = CheckedAdd(total, fleet.layers[l].size);
  }
  const auto on_progress = [&](Bytes bytes) {
    if (options.on_check_progress) options.on_check_progress(bytes, total);
  };
  std::vector<std::string> problems =
      CheckBlobs(fleet, blobs, to_check, options.scan.jobs, on_progress);
  for (std::size_t i = 0; i < to_check.size(); ++i) {
    if (problems[i].empty()) {
      ++reading.num_blobs_read;
      reading.bytes_read = CheckedAdd(reading.bytes_read, fleet.layers[to_check[i]].size);
    }
    reading.blob_problems[to_check[i]] = std::move(problems[i]);
  }
}

}  // namespace

SideReading ReadSide(const Fleet& fleet, const LayerBlobs& blobs, InventoryStore& store,
                     const SideReadingOptions& options) {
  SideReading reading;
  std::mutex mutex;
  const auto scan = [&](ByteSource& blob, const ExpectedLayer& expected,
                        const ScanOptions& scan_options) {
    ScannedLayer scanned = ScanLayer(blob, expected, scan_options);
    if (scanned.inventory) {
      const std::lock_guard lock(mutex);
      reading.inventories.insert_or_assign(expected.digest.digest, *scanned.inventory);
    }
    return scanned;
  };
  reading.scan = ScanFleet(fleet, blobs, store, scan, options.scan);
  for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
    if (!reading.scan.layers[l].was_read) continue;
    ++reading.num_blobs_read;
    reading.bytes_read = CheckedAdd(reading.bytes_read, fleet.layers[l].size);
  }
  reading.blob_problems.resize(fleet.layers.size());
  if (options.check_blobs) CheckSideBlobs(fleet, blobs, options, reading);
  return reading;
}

}  // namespace gneiss
