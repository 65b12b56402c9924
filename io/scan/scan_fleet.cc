#include "io/scan/scan_fleet.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "io/bytes/parallel_for.h"
#include "io/scan/scan_warnings.h"
#include "io/store/scan_limits.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

// Thrown through a scan that is no longer wanted.
struct ScanIsMoot {};

class FleetScanner {
 public:
  FleetScanner(const Fleet& fleet, const LayerBlobs& blobs, InventoryStore& store,
               const ScanFunction& scan, const FleetScanOptions& options)
      : fleet_(fleet), blobs_(blobs), store_(store), scan_(scan), options_(options) {
    result_.layers.resize(fleet.layers.size());
  }

  FleetScan Run() {
    LookInStore();
    if (!queue_.empty()) {
      if (options_.keeps) store_.PrepareToWrite();
      ScanQueue();
    }
    return std::move(result_);
  }

 private:
  void LookInStore();
  void ScanQueue();
  void ScanOne(const ParallelItem& item);
  void ReportProgress() const;

  ParsedDigest DigestOf(const Layer& layer) const {
    return {.digest = layer.digest, .verifiable = layer.verifiable};
  }

  const Fleet& fleet_;
  const LayerBlobs& blobs_;
  InventoryStore& store_;
  const ScanFunction& scan_;
  const FleetScanOptions& options_;
  FleetScan result_;               // each layer written by the one thread that took it
  std::vector<LayerIndex> queue_;  // to scan, in this order
  Bytes bytes_total_ = 0;

  std::atomic<Bytes> bytes_read_ = 0;
  std::atomic<std::int64_t> layers_done_ = 0;
};

// Why a scan with these options would refuse a layer that one with others accepted; empty when it
// would not.
std::string FindRefusal(const InventorySummary& summary, std::string_view media_type,
                        const ScanOptions& options) {
  if (!summary.is_tar) {
    return options.strict ? RefusalOf(NotATar{summary.found}, media_type) : "";
  }
  std::string broken = FindBrokenLimit(summary.extremes, summary.blob_size, options.limits);
  if (!broken.empty() || !options.strict || summary.warnings.empty()) return broken;
  return RefusalOf(summary.warnings.front());
}

// Whether the store may hold it as it is read for another place.
bool IsOfOnePlace(const ScannedLayer& scanned) {
  if (!scanned.inventory) return false;
  const std::vector<InventoryWarning>& warnings = scanned.inventory->warnings;
  return !IsReadFor(true, warnings) || !IsReadFor(false, warnings);
}

void FleetScanner::LookInStore() {
  for (LayerIndex i = 0; i < fleet_.layers.size(); ++i) {
    if (!options_.layers.empty() && !std::ranges::binary_search(options_.layers, i)) continue;
    if (options_.rescan) {
      queue_.push_back(i);
      continue;
    }
    const Layer& layer = fleet_.layers[i];
    InventoryStore::Found found = store_.Find(DigestOf(layer));
    LayerScan& scan = result_.layers[i];
    scan.damage = std::move(found.damage);
    scan.doubt = std::move(found.doubt);
    if (!found.summary || !IsReadFor(layer.is_lowest, found.summary->warnings)) {
      queue_.push_back(i);
      continue;
    }
    scan.file_bytes = found.file_bytes;
    scan.belief = found.belief;
    const InventorySummary& summary = *found.summary;
    scan.problem =
        FindContradiction(fleet_, layer, summary.blob_size,
                          summary.is_tar ? std::optional(summary.diff_id) : std::nullopt);
    if (scan.problem.empty()) {
      scan.problem = FindRefusal(summary, fleet_.text(layer.media_type), options_.scan);
    }
    if (!scan.problem.empty()) {
      scan.outcome = LayerOutcome::kBad;
    } else if (!summary.is_tar) {
      scan.outcome = LayerOutcome::kNotATar;
      scan.problem = std::move(found.summary->found);
    } else {
      scan.outcome = LayerOutcome::kStored;
      scan.tar_size = found.summary->tar_size;
      scan.num_entries = found.summary->num_entries;
      scan.num_packages = found.summary->num_packages;
      scan.os_release = std::move(found.summary->os_release);
      scan.warnings = std::move(found.summary->warnings);
    }
  }
  // Blobs that nobody has must not count as work, nor make a store where there is none.
  std::erase_if(queue_, [&](LayerIndex i) {
    const Layer& layer = fleet_.layers[i];
    try {
      if (blobs_.Open(fleet_.digest_text(layer), layer.size) != nullptr) return false;
      result_.layers[i].outcome = LayerOutcome::kNoBlob;
    } catch (const std::exception& error) {
      result_.layers[i].outcome = LayerOutcome::kBad;
      result_.layers[i].problem = error.what();
    }
    return true;
  });
  std::ranges::sort(queue_, {}, [&](LayerIndex i) {
    return std::tuple(-fleet_.layers[i].size, fleet_.layers[i].digest);
  });
  for (const LayerIndex i : queue_) bytes_total_ = CheckedAdd(bytes_total_, fleet_.layers[i].size);
}

void FleetScanner::ScanQueue() {
  try {
    ParallelFor(
        queue_.size(), options_.jobs,
        [this](const ParallelItem& item) {
          ScanOne(item);
          ++layers_done_;
        },
        [this] { ReportProgress(); });
  } catch (const std::system_error& error) {
    throw ScanStopped(error.code(), fmt::format("{}; {} of {} layers were scanned before that and "
                                                "are kept",
                                                error.what(), layers_done_.load(), queue_.size()));
  }
}

void FleetScanner::ReportProgress() const {
  if (!options_.on_progress) return;
  options_.on_progress({.bytes_read = bytes_read_,
                        .bytes_total = bytes_total_,
                        .layers_done = layers_done_,
                        .layers_total = std::ssize(queue_)});
}

void FleetScanner::ScanOne(const ParallelItem& item) {
  const LayerIndex index = queue_[item.index];
  const Layer& layer = fleet_.layers[index];
  LayerScan& result = result_.layers[index];
  std::optional<ScannedLayer> scanned;
  try {
    const std::unique_ptr<ByteSource> blob = blobs_.Open(fleet_.digest_text(layer), layer.size);
    if (blob == nullptr) return;  // gone since the start
    ScanOptions options = options_.scan;
    options.on_progress = [&](std::int64_t bytes) {
      if (item.IsMoot()) throw ScanIsMoot();
      bytes_read_ += bytes;
    };
    scanned = scan_(*blob, ExpectedLayerOf(fleet_, layer), options);
  } catch (const InputError& error) {
    result.problem = error.what();
  } catch (const std::system_error& error) {
    // Names the file.
    result.problem = error.what();
  }
  if (!scanned) {
    result.outcome = LayerOutcome::kBad;
    return;
  }
  if (options_.on_scanned) options_.on_scanned(index, *scanned);
  try {
    if (options_.keeps) {
      const bool replaces = options_.rescan || IsOfOnePlace(*scanned);
      result.file_bytes = store_.Write(DigestOf(layer), layer.size, *scanned, replaces);
    }
  } catch (const InputError& error) {
    result.outcome = LayerOutcome::kBad;
    result.problem = error.what();
    return;
  }
  result.was_read = true;
  result.belief = Belief::kOwn;
  if (!scanned->inventory) {
    result.outcome = LayerOutcome::kNotATar;
    result.problem = std::move(scanned->not_a_tar.found);
    return;
  }
  result.outcome = LayerOutcome::kScanned;
  result.tar_size = scanned->inventory->tar_size;
  result.num_entries = std::ssize(scanned->inventory->entries);
  result.num_packages = std::ssize(scanned->inventory->packages);
  result.os_release = std::move(scanned->inventory->os_release);
  result.warnings = std::move(scanned->inventory->warnings);
}

}  // namespace

ExpectedLayer ExpectedLayerOf(const Fleet& fleet, const Layer& layer) {
  ExpectedLayer expected{.digest = {.digest = layer.digest, .verifiable = layer.verifiable},
                         .size = layer.size,
                         .media_type = std::string(fleet.text(layer.media_type)),
                         .diff_id = std::nullopt,
                         .is_lowest = layer.is_lowest};
  if (layer.diff_id != kNone) expected.diff_id = fleet.diff_ids[layer.diff_id];
  return expected;
}

FleetScan ScanFleet(const Fleet& fleet, const LayerBlobs& blobs, InventoryStore& store,
                    const ScanFunction& scan, const FleetScanOptions& options) {
  return FleetScanner(fleet, blobs, store, scan, options).Run();
}

}  // namespace gneiss
