// Fills an inventory store with the layers of a fleet: each distinct layer that has a blob and is
// not there yet is scanned once, several at a time. What comes of a layer does not depend on the
// number of threads or on the other layers, nor on whether it was in the store before: what a scan
// warned of and what it would refuse under these options stands there too.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "io/scan/scan_layer.h"
#include "io/source/layer_blobs.h"
#include "io/store/inventory_store.h"
#include "planner/contents/layer_contents.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// What a fleet says of a layer of its own.
[[nodiscard]] ExpectedLayer ExpectedLayerOf(const Fleet& fleet, const Layer& layer);

// ScanLayer, or what a test has in its place. Called from several threads at once.
using ScanFunction =
    std::function<ScannedLayer(ByteSource&, const ExpectedLayer&, const ScanOptions&)>;

enum class LayerOutcome : std::uint8_t {
  kScanned,  // now in the store
  kStored,   // was there
  kNoBlob,   // no source has the blob, and the store has no inventory
  kNotATar,  // the store knows it, from now or from before
  kBad,      // what is wrong stands in LayerScan::problem
};
inline constexpr std::size_t kNumLayerOutcomes = 5;

struct LayerScan {
  LayerOutcome outcome = LayerOutcome::kNoBlob;
  bool was_read = false;                   // its blob was read to its end in this run
  Bytes tar_size = 0;                      // of kScanned and kStored
  std::int64_t num_entries = 0;            // of kScanned and kStored
  std::int64_t num_packages = 0;           // of kScanned and kStored
  OsRelease os_release;                    // of kScanned and kStored; empty when it has none
  std::vector<InventoryWarning> warnings;  // of kScanned and kStored: what its scan accepted
  Bytes file_bytes = 0;                    // in the store
  std::string problem;  // kBad: "PLACE: expected ..., found ..."; kNotATar: what it is
  std::string damage;   // of the store's file, which was replaced where that was possible
  std::string doubt;    // why the store's file is not believed, likewise
  Belief belief = Belief::kUnknown;  // of kScanned, kStored, and kNotATar
};

struct FleetScan {
  std::vector<LayerScan> layers;  // parallel to Fleet::layers
};

// The store could not be written any more.
class ScanStopped : public std::system_error {
 public:
  // `problem`: what it says of the store, with the file.
  ScanStopped(std::error_code code, std::string problem)
      : std::system_error(code), problem_(std::move(problem)) {}
  const char* what() const noexcept override { return problem_.c_str(); }

 private:
  std::string problem_;
};

struct FleetScanProgress {
  Bytes bytes_read = 0;   // of blobs that are being scanned or were
  Bytes bytes_total = 0;  // of all blobs to scan
  std::int64_t layers_done = 0;
  std::int64_t layers_total = 0;
};

struct FleetScanOptions {
  ScanOptions scan;       // on_progress is not called
  std::int64_t jobs = 1;  // threads, at least 1
  bool rescan = false;    // reads every blob, whatever the store knows of it, and replaces that
  bool keeps = true;      // in the store; false: only on_scanned hears of it
  // Sorted; empty: all. What the result says of other layers means nothing.
  std::span<const LayerIndex> layers;
  // Called with what a layer turned out to be, before that is kept; from several threads at once.
  // May be empty.
  std::function<void(LayerIndex layer, const ScannedLayer& scanned)> on_scanned;
  // Called in the caller's thread, about ten times a second; may be empty.
  std::function<void(const FleetScanProgress&)> on_progress;
};

// One bad layer, or one that cannot be read, never stops the rest; nor does one whose own place in
// the store cannot be written. Largest layers come first, so that threads end together; each thread
// holds one inventory and what `scan` needs. Throws std::system_error when the store cannot be
// written; once blobs are being read it is a ScanStopped. The store holds what was complete by
// then.
[[nodiscard]] FleetScan ScanFleet(const Fleet& fleet, const LayerBlobs& blobs,
                                  InventoryStore& store, const ScanFunction& scan,
                                  const FleetScanOptions& options);

}  // namespace gneiss
