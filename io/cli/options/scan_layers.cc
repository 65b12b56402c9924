#include "io/cli/options/scan_layers.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/options/report_options.h"
#include "io/cli/terminal/progress.h"
#include "io/scan/scan_fleet.h"
#include "io/scan/scan_layer.h"
#include "io/store/inventory_store.h"
#include "io/text/screen_text.h"
#include "io/text/shell_quote.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

StoreTrust TrustOf(const StoreArguments& arguments) {
  StoreTrust trust;
  if (!arguments.key_file.empty()) trust.key = StoreKey::ReadFile(arguments.key_file);
  trust.takes_all = arguments.trusts;
  return trust;
}

}  // namespace

void AddStoreOptions(CLI::App& app, StoreArguments& arguments) {
  app.add_option("--store", arguments.directory,
                 "directory of the inventories (default: $XDG_CACHE_HOME/gneiss or "
                 "~/.cache/gneiss)")
      ->check([](const std::string& path) {
        return std::string(path.empty() ? "expected a directory's name, found an empty one" : "");
      })
      ->type_name("DIR");
  CLI::Option* const key =
      app.add_option("--store-key", arguments.key_file,
                     "key of a store that several users fill, 32 bytes or more: inventories are "
                     "sealed with it, and only those are believed that are")
          ->check([](const std::string& path) {
            return std::string(path.empty() ? "expected a file's name, found an empty one" : "");
          })
          ->type_name("FILE");
  app.add_flag("--trust-store", arguments.trusts,
               "take inventories that another user could have written, and say so")
      ->excludes(key);
  app.add_flag("--rescan", arguments.rescan,
               "read the layers' blobs, whatever the store knows of them, and replace that");
}

InventoryStore OpenStore(const StoreArguments& arguments) {
  return InventoryStore(
      arguments.directory.empty() ? InventoryStore::DefaultDirectory() : arguments.directory,
      TrustOf(arguments));
}

InventoryStore OpenShippedStore(const std::string& directory, const StoreArguments& arguments) {
  StoreTrust trust = TrustOf(arguments);
  trust.is_shipped = true;
  return InventoryStore(directory, std::move(trust));
}

std::string StoreWords(const StoreArguments& arguments) {
  std::string words;
  if (!arguments.directory.empty()) words += " --store " + ShellQuote(arguments.directory);
  if (!arguments.key_file.empty()) words += " --store-key " + ShellQuote(arguments.key_file);
  return words;
}

void AddJobsOption(CLI::App& app, ScanArguments& arguments, const std::string& what) {
  AddCountOption(app, "--jobs", arguments.jobs, what + ", 0 for one a core (default: 0)");
}

void AddLimitOptions(CLI::App& app, ScanLimits& limits) {
  AddCountOption(app, "--max-entries", limits.max_entries,
                 "most entries of a layer (default: 5000000)", 1);
  AddCountOption(app, "--max-path-depth", limits.max_path_depth,
                 "most components of a path (default: 4096)", 1);
  AddSizeOption(app, "--max-path-bytes", limits.max_path_bytes,
                "longest name or link target (default: 64KiB)", 1);
  AddSizeOption(app, "--max-header-bytes", limits.max_header_bytes,
                "longest PAX header or long name (default: 1MiB)", 1);
  AddSizeOption(app, "--max-text-bytes", limits.max_text_bytes,
                "all paths, targets and attributes of a layer (default: 1GiB)", 1);
  AddSizeOption(app, "--max-tar-bytes", limits.max_tar_bytes,
                "largest unpacked layer (default: 256GiB)", 1);
  AddCountOption(app, "--max-ratio", limits.max_ratio,
                 "most bytes unpacked for a byte of the blob, past 1 GiB (default: 200)", 1);
  AddSizeOption(app, "--max-zstd-window", limits.max_zstd_window,
                "most memory that a zstd frame may ask for (default: 128MiB)", 1);
}

std::int64_t NumJobs(const ScanArguments& arguments) {
  if (arguments.jobs > 0) return arguments.jobs;
  return std::max<std::int64_t>(std::thread::hardware_concurrency(), 1);
}

FleetScanOptions MakeScanOptions(const ScanArguments& arguments, bool strict, bool quiet,
                                 const Console& console, Progress& progress) {
  FleetScanOptions options;
  options.scan.limits = arguments.limits;
  options.scan.strict = strict;
  options.jobs = NumJobs(arguments);
  if (console.err_is_terminal && !quiet) {
    options.on_progress = [&progress](const FleetScanProgress& at) {
      if (!progress.IsDue()) return;
      const std::string what = fmt::format("{} of {} layers", at.layers_done, at.layers_total);
      progress.Show(
          DescribeScanning(what, at.bytes_read, at.bytes_total, progress.elapsed_seconds()));
    };
  }
  return options;
}

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
