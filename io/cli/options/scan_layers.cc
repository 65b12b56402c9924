#include "io/cli/options/scan_layers.h"

#include <algorithm>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/options/report_options.h"

namespace gneiss {

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

}  // namespace gneiss
