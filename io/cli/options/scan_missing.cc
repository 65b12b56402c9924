#include "io/cli/options/scan_missing.h"

#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/cli/terminal/progress.h"
#include "io/scan/scan_fleet.h"
#include "io/scan/scan_layer.h"
#include "io/store/inventory_store.h"
#include "io/text/screen_text.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr const char* kNoBlob = "no source has its blob";

std::string NotATarText(const std::string& found) { return "it is no tar, but " + found; }

class MissingScanner {
 public:
  MissingScanner(const LoadedFleet& loaded, const FleetScanOptions& options,
                 LayerContents& contents)
      : loaded_(loaded), options_(options), contents_(contents) {}

  // Throws std::system_error when the store cannot be written.
  void ScanInto(InventoryStore& store) {
    const Fleet& fleet = loaded_.fleet;
    std::map<Digest, Inventory> read;
    std::mutex mutex;
    const auto scan = [&](ByteSource& blob, const ExpectedLayer& expected,
                          const ScanOptions& scan_options) {
      ScannedLayer scanned = ScanLayer(blob, expected, scan_options);
      if (scanned.inventory) {
        const std::lock_guard lock(mutex);
        read.insert_or_assign(expected.digest.digest, *scanned.inventory);
      }
      return scanned;
    };
    const FleetScan result = ScanFleet(fleet, loaded_.blobs, store, scan, options_);
    for (const LayerIndex l : options_.layers) {
      const LayerScan& layer = result.layers[l];
      const auto found = read.find(fleet.layers[l].digest);
      if (layer.outcome == LayerOutcome::kScanned && found != read.end()) {
        contents_.Add(l, std::move(found->second));
      } else if (layer.outcome == LayerOutcome::kNoBlob) {
        problems_[l] = kNoBlob;
      } else if (layer.outcome == LayerOutcome::kNotATar) {
        problems_[l] = NotATarText(layer.problem);
      } else if (layer.outcome == LayerOutcome::kBad) {
        problems_[l] = layer.problem;
      } else {
        ScanAlone(l);  // another process has stored it in the meantime
      }
    }
  }

  // Every layer by itself, without a store.
  void ScanEach() {
    for (const LayerIndex l : options_.layers) ScanAlone(l);
  }

  std::map<LayerIndex, std::string> TakeProblems() { return std::move(problems_); }

 private:
  void ScanAlone(LayerIndex l) {
    const Fleet& fleet = loaded_.fleet;
    const Layer& layer = fleet.layers[l];
    try {
      const std::unique_ptr<ByteSource> blob =
          loaded_.blobs.Open(fleet.digest_text(layer), layer.size);
      if (blob == nullptr) {
        problems_[l] = kNoBlob;
        return;
      }
      ScannedLayer scanned = ScanLayer(*blob, ExpectedLayerOf(fleet, layer), options_.scan);
      if (scanned.inventory) {
        contents_.Add(l, std::move(*scanned.inventory));
      } else {
        problems_[l] = NotATarText(scanned.not_a_tar.found);
      }
    } catch (const InputError& error) {
      problems_[l] = error.what();
    } catch (const std::system_error& error) {
      problems_[l] = error.what();
    }
  }

  const LoadedFleet& loaded_;
  const FleetScanOptions& options_;
  LayerContents& contents_;
  std::map<LayerIndex, std::string> problems_;
};

// Nothing without a home.
std::optional<InventoryStore> OpenAnyStore(const StoreArguments& arguments) {
  try {
    return OpenStore(arguments);
  } catch (const InputError&) {
    if (!arguments.directory.empty() || !arguments.key_file.empty()) throw;
    return std::nullopt;
  }
}

}  // namespace

std::map<LayerIndex, std::string> ScanMissing(const LoadedFleet& loaded,
                                              const StoreArguments& store,
                                              std::span<const LayerIndex> layers,
                                              const ScanArguments& arguments, bool strict,
                                              bool quiet, Console& console,
                                              LayerContents& contents) {
  std::vector<LayerIndex> missing;
  for (const LayerIndex l : layers) {
    if (!contents.inventories[l]) missing.push_back(l);
  }
  if (missing.empty()) return {};
  Progress progress(console, quiet);
  FleetScanOptions options = MakeScanOptions(arguments, strict, quiet, console, progress);
  options.layers = missing;
  MissingScanner scanner(loaded, options, contents);
  std::optional<InventoryStore> opened = OpenAnyStore(store);
  if (!opened) {
    scanner.ScanEach();
    return scanner.TakeProblems();
  }
  try {
    scanner.ScanInto(*opened);
  } catch (const std::system_error& error) {
    progress.Erase();
    if (!quiet) {
      *console.err << "gneiss: warning: "
                   << Printable(fmt::format("{}; what is read now is not kept", error.what()))
                   << '\n';
    }
    scanner.ScanEach();
  }
  return scanner.TakeProblems();
}

}  // namespace gneiss
