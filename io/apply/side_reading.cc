#include "io/apply/side_reading.h"

#include <cstddef>
#include <mutex>
#include <span>
#include <utility>

#include "io/apply/check_blobs.h"
#include "io/scan/scan_layer.h"

namespace gneiss {
namespace {

void CheckSideBlobs(const Fleet& fleet, const LayerBlobs& blobs, std::span<const LayerIndex> layers,
                    const SideReadingOptions& options, SideReading& reading) {
  std::vector<LayerIndex> to_check;
  Bytes total = 0;
  for (const LayerIndex l : layers) {
    // What was scanned was held against its digest, where that is one to be checked.
    if (reading.scan.layers[l].was_read && fleet.layers[l].verifiable) continue;
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

void ScanSideLayers(const Fleet& fleet, const LayerBlobs& blobs, InventoryStore& store,
                    std::span<const LayerIndex> layers, const SideReadingOptions& options,
                    SideReading& reading) {
  std::mutex mutex;
  const auto scan = [&](ByteSource& blob, const ExpectedLayer& expected,
                        const ScanOptions& scan_options) {
    ExpectedLayer layer = expected;
    layer.diff_id.reset();
    ScannedLayer scanned = ScanLayer(blob, layer, scan_options);
    if (scanned.inventory) {
      const std::lock_guard lock(mutex);
      reading.inventories.insert_or_assign(expected.digest.digest, *scanned.inventory);
    }
    return scanned;
  };
  FleetScanOptions scan_options = options.scan;
  scan_options.layers = layers;
  scan_options.rescan = !options.trusts_store;
  // A proof leaves the store as it is: whoever asks for it may not be who fills the store.
  scan_options.keeps = options.trusts_store;
  reading.scan = ScanFleet(fleet, blobs, store, scan, scan_options);
  for (const LayerIndex l : layers) {
    const LayerScan& layer = reading.scan.layers[l];
    if (layer.outcome == LayerOutcome::kStored) ++reading.num_trusted;
    if (!layer.was_read) continue;
    ++reading.num_blobs_read;
    reading.bytes_read = CheckedAdd(reading.bytes_read, fleet.layers[l].size);
  }
}

}  // namespace

SideReading ReadSide(const Fleet& fleet, const LayerBlobs& blobs, InventoryStore& store,
                     const SideLayers& layers, const SideReadingOptions& options) {
  SideReading reading;
  reading.scan.layers.resize(fleet.layers.size());
  reading.blob_problems.resize(fleet.layers.size());
  if (!layers.scan.empty()) {
    ScanSideLayers(fleet, blobs, store, layers.scan, options, reading);
  }
  CheckSideBlobs(fleet, blobs, layers.check, options, reading);
  return reading;
}

}  // namespace gneiss
