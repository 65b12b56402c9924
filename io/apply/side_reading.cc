#include "io/apply/side_reading.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "io/bytes/parallel_for.h"
#include "io/bytes/sha256_stream.h"
#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/scan/scan_layer.h"
#include "io/source/layout.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"

namespace gneiss {
namespace {

std::string CheckBlob(const Fleet& fleet, const LayerBlobs& blobs, const Layer& layer,
                      const std::function<void(Bytes)>& on_bytes) {
  const std::string digest = fleet.digest_text(layer);
  if (!layer.verifiable) return "expected a sha256 to check the blob against, found " + digest;
  const std::unique_ptr<ByteSource> blob = blobs.Open(digest, layer.size);
  if (blob == nullptr) return "no source has the blob";
  const HashedBytes found = HashSource(*blob, on_bytes, layer.size);
  if (found.size != layer.size) {
    return fmt::format("expected a blob of {} bytes, found {}{}", layer.size,
                       found.size > layer.size ? "more than " : "",
                       std::min(found.size, layer.size));
  }
  if (found.digest == layer.digest) return "";
  return fmt::format("expected a blob with digest {}, found {}", digest,
                     FormatDigest(found.digest));
}

}  // namespace

std::vector<std::string> CheckBlobs(const Fleet& fleet, const LayerBlobs& blobs,
                                    std::span<const LayerIndex> layers, std::int64_t jobs,
                                    const std::function<void(Bytes)>& on_progress) {
  std::vector<std::string> problems(layers.size());
  std::atomic<Bytes> bytes_read = 0;
  ParallelFor(
      layers.size(), jobs,
      [&](const ParallelItem& item) {
        std::string& problem = problems[item.index];
        try {
          problem = CheckBlob(fleet, blobs, fleet.layers[layers[item.index]],
                              [&](Bytes bytes) { bytes_read += bytes; });
        } catch (const InputError& error) {
          problem = error.what();
        } catch (const std::system_error& error) {
          problem = error.what();  // names the file
        }
      },
      [&] {
        if (on_progress) on_progress(bytes_read);
      });
  return problems;
}

namespace {

constexpr std::string_view kRecordName = "gneiss-apply.json";
constexpr std::string_view kRecordSchema = "gneiss.apply/1";
constexpr std::size_t kMaxRecordBytes = std::size_t{64} << 20;

void AddLeftOut(const JsonValue& record, std::vector<ExcusedImage>& images) {
  if (record.FindText("schema") != kRecordSchema) return;
  const JsonValue* const list = record.Find("left_out");
  if (list == nullptr || list->kind() == JsonKind::kNull) return;
  const JsonPath root;
  const JsonPath path = root.member("left_out");
  ExpectKind(TreeJson(*list), JsonKind::kArray, path, "an array of images");
  std::int64_t index = 0;
  for (const JsonValue& image : list->elements()) {
    ExpectKind(TreeJson(image), JsonKind::kObject, path.element(index++), "an image, an object");
    images.push_back({.ref = std::string(image.FindText("ref")),
                      .manifest_digest = std::string(image.FindText("manifest_digest")),
                      .why = std::string(image.FindText("why"))});
  }
}

}  // namespace

std::vector<ExcusedImage> ReadLeftOut(const LayerBlobs& blobs) {
  std::vector<ExcusedImage> images;
  for (const LayoutBlobs& layout : blobs.layouts()) {
    const LayoutFiles& files = layout.files();
    if (files.directory().empty()) continue;
    const std::optional<std::string> text =
        ReadFile(files, kRecordName, kUnknownSize, kMaxRecordBytes);
    if (!text) continue;
    try {
      AddLeftOut(ParseJson(*text).root, images);
    } catch (const InputError& error) {
      throw error.WithSource(files.PathOf(kRecordName), error.place());
    }
  }
  return images;
}

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
