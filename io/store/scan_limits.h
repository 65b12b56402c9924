// What a hostile layer may cost, and whether a layer scanned before costs more than that.
#pragma once

#include <cstdint>
#include <string>

#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

// Each is an option of the command line but for `ratio_begins_at`.
//
// The ratio: deflate makes at most 1032 bytes of one, so a limit above that refuses no gzip bomb,
// while a layer as a whole seldom packs better than 20 to 1. What packs better and is no bomb are
// zeros: a preallocated database log or a swap file, a sparse file stored whole. They are cheap to
// pass over (a GiB takes about a second), so the ratio counts from 1 GiB on only, and there 200
// leaves a disk image that is nine tenths zeros alone. The ratio is to the whole blob, whose size
// is known beforehand, so that it does not matter where in a layer the zeros are: a bomb is
// stopped after the larger of 1 GiB and 200 times its size. Others bound the unpacked size alone
// (trivy's --max-image-size), single files (clair) or, where inputs are small, the ratio much lower
// (tor: 25 past 64 KiB); that would refuse real layers.
struct ScanLimits {
  std::int64_t max_entries = 5'000'000;         // --max-entries
  std::int64_t max_path_depth = 4096;           // --max-path-depth, in components
  std::int64_t max_path_bytes = 64 * 1024;      // --max-path-bytes, names and link targets
  std::int64_t max_header_bytes = 1024 * 1024;  // --max-header-bytes, PAX or long name, each
  std::int64_t max_ratio = 200;                 // --max-ratio, tar to blob
  Bytes ratio_begins_at = Bytes{1} << 30;       // a tar that is no larger may have any ratio
  Bytes max_tar_bytes = Bytes{256} << 30;       // --max-tar-bytes
  Bytes max_text_bytes = Bytes{1} << 30;        // --max-text-bytes, paths, targets, xattrs in all
  std::int64_t max_zstd_window = std::int64_t{128} << 20;  // --max-zstd-window
};

// How a tar breaks the limits on its size, holes of files included, and on its ratio to a blob of
// `blob_size`, in words that name the limit; empty when it does not.
[[nodiscard]] std::string FindBrokenSize(Bytes unpacked, Bytes blob_size, const ScanLimits& limits);

// The same for all limits, of a layer that was scanned under others. Empty for exactly those layers
// that a scan under `limits` accepts.
[[nodiscard]] std::string FindBrokenLimit(const InventoryExtremes& extremes, Bytes blob_size,
                                          const ScanLimits& limits);

}  // namespace gneiss
