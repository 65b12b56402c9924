// How commands that read layers scan them: options, threads, progress.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "io/cli/options/load_fleet.h"
#include "io/cli/terminal/console.h"
#include "io/cli/terminal/progress.h"
#include "io/scan/scan_fleet.h"
#include "io/store/inventory_store.h"
#include "io/store/scan_limits.h"
#include "planner/contents/layer_contents.h"

namespace CLI {
class App;
}

namespace gneiss {

// The inventory store of a command line: where it is, and what makes its files believed.

struct StoreArguments {
  std::string directory;  // --store; empty: the default one
  std::string key_file;   // --store-key; empty: none
  bool trusts = false;    // --trust-store
  bool rescan = false;    // --rescan
};

// --store, --store-key, --trust-store and --rescan, for every command that reads or fills the
// store. `arguments` must outlive the parsing.
void AddStoreOptions(CLI::App& app, StoreArguments& arguments);

// Throws what InventoryStore::DefaultDirectory, StoreKey::ReadFile and InventoryStore throw.
[[nodiscard]] InventoryStore OpenStore(const StoreArguments& arguments);

// Beside a fleet that came with inventories, in `directory`: they are somebody's word, unless they
// have the store's key.
[[nodiscard]] InventoryStore OpenShippedStore(const std::string& directory,
                                              const StoreArguments& arguments);

// The options again, for a shell: each with a space before it.
[[nodiscard]] std::string StoreWords(const StoreArguments& arguments);

struct ScanArguments {
  ScanLimits limits;
  std::int64_t jobs = 0;  // 0: one a core
};

// --jobs; `what` says what is done so many at once. `arguments` must outlive the parsing, here and
// below.
void AddJobsOption(CLI::App& app, ScanArguments& arguments, const std::string& what);
// --max-...: a layer that passes one of these is bad.
void AddLimitOptions(CLI::App& app, ScanLimits& limits);

// Threads that --jobs asks for.
[[nodiscard]] std::int64_t NumJobs(const ScanArguments& arguments);

// With progress on `progress`, which must outlive them, unless that would not show.
[[nodiscard]] FleetScanOptions MakeScanOptions(const ScanArguments& arguments, bool strict,
                                               bool quiet, const Console& console,
                                               Progress& progress);

// Layers whose contents a command needs and the store lacks, read there and then.

// Adds to `contents` those of `layers` that it lacks and a source has the blob of, and keeps them
// in the store that --store names; where that cannot be written, which console.err says unless
// quiet, they serve this run alone. Returns why the others are not known, by layer. REQUIRES:
// `layers` is sorted.
[[nodiscard]] std::map<LayerIndex, std::string> ScanMissing(
    const LoadedFleet& loaded, const StoreArguments& store, std::span<const LayerIndex> layers,
    const ScanArguments& arguments, bool strict, bool quiet, Console& console,
    LayerContents& contents);

}  // namespace gneiss
