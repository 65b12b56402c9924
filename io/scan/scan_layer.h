// From one layer blob to its inventory, in one pass: sha256 of the blob, codec by magic, inflate,
// sha256 of the tar, entries with their contents' sha256 and the compressed bytes each cost.
// Nothing is written anywhere and no name from the archive is opened; memory is bounded by the
// limits.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "io/bytes/byte_source.h"
#include "io/bytes/inflater.h"
#include "io/store/inventory_file.h"
#include "io/store/scan_limits.h"
#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {

// What is known of a layer before its blob is read.
struct ExpectedLayer {
  ParsedDigest digest;
  Bytes size = 0;
  std::string media_type;         // only compared with what is found: another codec is a warning
  std::optional<Digest> diff_id;  // from the image's config
  bool is_lowest = false;         // of some image, and so read as that (kReadAsLowestWarning)
};

// Takes contents of regular files on their way past the scanner, in the tar's order. What it throws
// comes out of the scan. Only a scan that ends well has held them against the layer's digest.
class ContentSink {
 public:
  virtual ~ContentSink() = default;

  // A file of `size` > 0, holes included, at the key `path`. Whether its contents are wanted; then
  // the other calls follow, up to End.
  virtual bool Begin(std::string_view path, Bytes size) = 0;
  virtual void Write(std::string_view bytes) = 0;
  virtual void WriteHole(Bytes count) = 0;
  // All came; what they are.
  virtual void End(const Digest& content) = 0;
};

struct ScanOptions {
  ScanLimits limits;
  bool strict = false;  // refuse what would otherwise be mended or left out with a warning
  InflateLibrary inflate = InflateLibrary::kFastest;
  // Called with the stored bytes consumed since the last call, now and then; may be empty.
  std::function<void(std::int64_t bytes)> on_progress;
  ContentSink* sink = nullptr;  // kept alive by the caller; may be null
};

// Why a strict scan refuses it: a tar is what its media type says. Empty where it does not.
[[nodiscard]] std::string RefusalOf(const NotATar& layer, std::string_view media_type);

// Scans `blob`, the stored (compressed) bytes. Throws InputError with place "byte N" (of the stored
// bytes, or "tar byte N" of the decompressed ones) and the cause when the bytes do not match
// `expected` (both values named), are damaged, break a limit (named as its option), or hold an
// entry that no runtime should unpack; std::system_error when reading fails.
[[nodiscard]] ScannedLayer ScanLayer(ByteSource& blob, const ExpectedLayer& expected,
                                     const ScanOptions& options);

}  // namespace gneiss
