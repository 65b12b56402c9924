// From one layer blob to its inventory, in one pass: sha256 of the blob, codec by magic, inflate,
// sha256 of the tar, entries with their contents' sha256 and the compressed bytes each cost.
// Nothing is written anywhere and no name from the archive is opened; memory is bounded by the
// limits.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "io/scan/inflater.h"
#include "io/source/byte_source.h"
#include "planner/bytes.h"
#include "planner/digest.h"
#include "planner/inventory.h"

namespace gneiss {

// What a hostile layer may cost. Each is an option of the command line.
struct ScanLimits {
  std::int64_t max_entries = 5'000'000;         // --max-entries
  std::int64_t max_path_depth = 4096;           // --max-path-depth, in components
  std::int64_t max_path_bytes = 64 * 1024;      // --max-path-bytes, names and link targets
  std::int64_t max_header_bytes = 1024 * 1024;  // --max-header-bytes, PAX or long name, each
  std::int64_t max_ratio = 1100;                // --max-ratio, tar to blob (deflate's is 1032)
  Bytes max_tar_bytes = Bytes{256} << 30;       // --max-tar-bytes
  Bytes max_text_bytes = Bytes{1} << 30;        // --max-text-bytes, paths, targets, xattrs in all
  std::int64_t max_zstd_window = std::int64_t{128} << 20;  // --max-zstd-window
};

// What is known of a layer before its blob is read.
struct ExpectedLayer {
  ParsedDigest digest;
  Bytes size = 0;
  std::string media_type;         // only compared with what is found: another codec is a warning
  std::optional<Digest> diff_id;  // from the image's config
};

struct ScanOptions {
  ScanLimits limits;
  bool strict = false;  // refuse what would otherwise be mended or left out with a warning
  InflateLibrary inflate = InflateLibrary::kFastest;
  // Called with the stored bytes consumed since the last call, now and then; may be empty.
  std::function<void(std::int64_t bytes)> on_progress;
};

// Why there is no inventory although the blob is what its digest says.
struct NotATar {
  std::string found;  // "xz compressed data", "JSON", "zero bytes", ...
};

struct ScannedLayer {
  std::optional<Inventory> inventory;  // nullopt when the content is no tar
  NotATar not_a_tar;                   // then: what it is
};

// Scans `blob`, the stored (compressed) bytes. Throws InputError with place "byte N" (of the stored
// bytes, or "tar byte N" of the decompressed ones) and the cause when the bytes do not match
// `expected` (both values named), are damaged, break a limit (named as its option), or hold an
// entry that no runtime should unpack; std::system_error when reading fails.
[[nodiscard]] ScannedLayer ScanLayer(ByteSource& blob, const ExpectedLayer& expected,
                                     const ScanOptions& options);

}  // namespace gneiss
