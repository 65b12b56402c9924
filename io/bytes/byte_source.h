// Bytes of a file in order, decompressed by what they are and not by what the file is called:
// plain, gzip or zstd. Bounded memory whatever the size. Knows nothing of lines or JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "planner/fleet/bytes.h"

namespace gneiss {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Fills `buffer` from its start and returns how many bytes it wrote; less than asked says
  // nothing, 0 says that the bytes have ended. REQUIRES: buffer not empty. Throws InputError with
  // place "byte N", N counted in the stored (compressed) bytes, when they are damaged or end early,
  // and std::system_error when reading fails. Unusable after either.
  virtual std::size_t Read(std::span<char> buffer) = 0;

  // Passes over `count` bytes and returns how many; fewer only where the bytes end. REQUIRES: count
  // >= 0. Fast where nothing has to be decompressed: then the file is not read. Throws as Read
  // does.
  virtual std::int64_t Skip(std::int64_t count);

  // Whether what Read gives is not what is stored.
  virtual bool is_compressed() const { return false; }

  // Stored bytes consumed so far, and their number, 0 when not known: for progress.
  virtual std::int64_t stored_position() const = 0;
  virtual std::int64_t stored_size() const = 0;

  // Whether the file was written to since it was opened, as far as its times tell.
  virtual bool has_changed() const { return false; }

  // Stored bytes that follow the end of the compressed data and are not zero padding. They are
  // ignored, as gunzip does; complete once Read has returned 0.
  virtual std::int64_t trailing_bytes() const { return 0; }
};

// Opens a file, pipe or device as it is stored. Throws InputError when nothing is there or it is a
// directory (`expected` completes the sentence, e.g. "a fleet file"), std::system_error otherwise.
[[nodiscard]] std::unique_ptr<ByteSource> OpenFile(const std::string& path,
                                                   std::string_view expected);

// Opens a plain file as it is stored, null when nothing is there. Symbolic links are not followed,
// pipes not waited for. Throws InputError with `path` as source when it is no plain file,
// std::system_error when it cannot be opened.
[[nodiscard]] std::unique_ptr<ByteSource> OpenPlainFile(const std::string& path);

// All of `file`, whose stored size is known. Throws InputError with `path` as source, before
// anything is read, when it has not `expected_size` (unless that is kUnknownSize) or more than
// `max_bytes`, and when it has become shorter since it was opened.
[[nodiscard]] std::string ReadWhole(ByteSource& file, const std::string& path, Bytes expected_size,
                                    std::size_t max_bytes);

// The text that is left of `file`, be it a pipe or a device that never ends. Throws InputError
// without source when there are more than `max_bytes`, or a NUL byte, which no text has: `what` it
// is, as "a plan". `head`: what was read of it before, with which the text begins. At most twice
// `max_bytes` of memory.
[[nodiscard]] std::string ReadText(ByteSource& file, std::string_view what, std::size_t max_bytes,
                                   std::string_view head = {});

// Reads `bytes`, which the caller keeps alive. At most `chunk` bytes a call, so that tests can cut
// anywhere; 0 for no limit.
[[nodiscard]] std::unique_ptr<ByteSource> ReadMemory(std::string_view bytes, std::size_t chunk = 0);

// The content of `stored`. gzip: every member, CRC and length verified, zero padding accepted,
// other bytes after the last member counted in trailing_bytes(). zstd: every frame, skippable
// frames passed over, windows to 128 MiB, checksums verified. Anything else: as it is.
[[nodiscard]] std::unique_ptr<ByteSource> Decompress(std::unique_ptr<ByteSource> stored);

}  // namespace gneiss
