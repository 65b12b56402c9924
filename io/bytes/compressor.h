// Bytes through zlib or zstd, as a stream: the same bytes give the same output, gzip without name,
// time or operating system, one thread. And how layers are compressed unless somebody says
// otherwise: what `apply` writes, and what `scan` takes samples of.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "io/bytes/atomic_file.h"
#include "io/bytes/interrupt.h"
#include "io/bytes/open_directory.h"
#include "io/bytes/sha256_stream.h"
#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {

// Of a codec; zeros where there is none to choose.
struct CompressionLevels {
  int lowest = 0;
  int highest = 0;
  int standard = 0;
};

[[nodiscard]] constexpr CompressionLevels LevelsOf(LayerCodec codec) {
  switch (codec) {
    case LayerCodec::kGzip:
      return {.lowest = 1, .highest = 9, .standard = 6};
    case LayerCodec::kZstd:
      // Above, windows are larger than runtimes take.
      return {.lowest = 1, .highest = 19, .standard = 3};
    case LayerCodec::kTar:
      break;
  }
  return {};
}

// zlib's own default.
inline constexpr int kDeflateMemory = 8;

struct CompressionOptions {
  LayerCodec codec = LayerCodec::kGzip;
  std::optional<int> level;  // of the codec; nullopt: its standard one
};

class Compressor {
 public:
  using Sink = std::function<void(std::string_view)>;

  // REQUIRES: the level is one of the codec's.
  explicit Compressor(const CompressionOptions& options);
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  ~Compressor();

  // Hands over what comes of `bytes`, now or later; kTar: the bytes as they are. What `sink` throws
  // comes out, and the compressor is unusable then.
  void Write(std::string_view bytes, const Sink& sink);
  // After the last byte, once: the rest.
  void Finish(const Sink& sink);

 private:
  class Codec;

  std::unique_ptr<Codec> codec_;
};

// A file that is written through a compressor (compressor.h), with the digest of what comes to lie
// in it.

class CompressedFile {
 public:
  // Makes the file `name` in a directory that outlives this. Throws std::system_error naming its
  // path, also when something is there. REQUIRES: the level is one of the codec's.
  CompressedFile(const OpenDirectory& directory, std::string name,
                 const CompressionOptions& options);
  CompressedFile(const CompressedFile&) = delete;
  CompressedFile& operator=(const CompressedFile&) = delete;
  // Removes the file unless it is finished; so does an interrupt.
  ~CompressedFile();

  // Throws std::system_error naming the file.
  void Write(std::string_view bytes);
  // After the last byte: ends the compressed data and syncs the file. Throws as Write does.
  void Finish();

  // Of the finished file.
  const Digest& digest() const { return digest_; }
  Bytes size() const { return size_; }

 private:
  void WriteStored(std::string_view bytes);
  [[noreturn]] void Fail() const;

  const OpenDirectory& directory_;
  std::string name_;
  Compressor compressor_;
  RemovedOnInterrupt on_interrupt_;  // from before the file is there
  OpenDescriptor file_;
  Sha256Stream hash_;
  Digest digest_;
  Bytes size_ = 0;
  bool is_finished_ = false;
};

}  // namespace gneiss
