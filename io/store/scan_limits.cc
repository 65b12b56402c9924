#include "io/store/scan_limits.h"

#include <algorithm>

#include <fmt/format.h>

namespace gneiss {

std::string FindBrokenSize(Bytes unpacked, Bytes blob_size, const ScanLimits& limits) {
  constexpr auto kSentence = "expected a tar of at most {} {}, holes of files included, found more";
  if (unpacked > limits.max_tar_bytes) {
    return fmt::format(kSentence, limits.max_tar_bytes, "bytes (--max-tar-bytes)");
  }
  if (unpacked > limits.ratio_begins_at &&
      unpacked / std::max<Bytes>(limits.max_ratio, 1) > blob_size) {
    return fmt::format(kSentence, limits.max_ratio, "times the layer's stored size (--max-ratio)");
  }
  return "";
}

std::string FindBrokenLimit(const InventoryExtremes& extremes, Bytes blob_size,
                            const ScanLimits& limits) {
  struct Limit {
    std::int64_t found;
    std::int64_t most;
    const char* sentence;
  };
  const Limit limits_of_each[] = {
      {extremes.entries, limits.max_entries, "at most {} entries (--max-entries)"},
      {extremes.path_depth, limits.max_path_depth,
       "paths of at most {} components (--max-path-depth)"},
      {extremes.path_bytes, limits.max_path_bytes,
       "paths and link targets of at most {} bytes (--max-path-bytes)"},
      {extremes.header_bytes, limits.max_header_bytes,
       "extended headers of at most {} bytes (--max-header-bytes)"},
      {extremes.text_bytes, limits.max_text_bytes,
       "paths, link targets and attributes of at most {} bytes in all (--max-text-bytes)"},
      {extremes.zstd_window, limits.max_zstd_window,
       "zstd windows of at most {} bytes (--max-zstd-window)"},
  };
  for (const Limit& limit : limits_of_each) {
    if (limit.found <= limit.most) continue;
    return fmt::format("expected {}, found {}",
                       fmt::format(fmt::runtime(limit.sentence), limit.most), limit.found);
  }
  return FindBrokenSize(extremes.unpacked_bytes, blob_size, limits);
}

}  // namespace gneiss
