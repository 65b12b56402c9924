// How commands that read layers scan them: options, threads, progress.
#pragma once

#include <cstdint>
#include <string>

#include "io/cli/terminal/console.h"
#include "io/cli/terminal/progress.h"
#include "io/scan/scan_fleet.h"
#include "io/store/scan_limits.h"

namespace CLI {
class App;
}

namespace gneiss {

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

}  // namespace gneiss
