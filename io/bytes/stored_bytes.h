// The stored (compressed) bytes of a layer on their way to a decoder: hashed as they are read, held
// against the size that the descriptor promises, and reported as progress.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/bytes/byte_source.h"
#include "io/bytes/sha256_stream.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {

class StoredBytes {
 public:
  // `source` is kept alive by the caller. It is read no further than one buffer past
  // `expected_size`.
  StoredBytes(ByteSource& source, Bytes expected_size,
              std::function<void(std::int64_t)> on_progress);

  // What is buffered, after reading more if nothing is; empty where the bytes end. Valid until the
  // next call of Some, Peek or CopyTo.
  std::string_view Some();
  // Up to `count` bytes; fewer only where the bytes end. REQUIRES: count <= kMaxPeek, which holds
  // a block of zstd.
  static constexpr std::size_t kMaxPeek = std::size_t{160} << 10;
  std::string_view Peek(std::size_t count);
  // REQUIRES: that many are buffered; negative: at most kMaxInflateLookAhead taken ones go back.
  void Take(std::ptrdiff_t count);
  // Moves bytes to `target`, past the buffer once that is empty; 0 where the bytes end.
  std::size_t CopyTo(std::span<char> target);

  // Reads on to the end.
  void Drain();
  // Offset of the next byte.
  Bytes position() const { return read_ - static_cast<Bytes>(end_ - begin_); }
  Bytes expected_size() const { return expected_size_; }
  // Bytes read: the size of the blob after Drain.
  Bytes size() const { return read_; }
  // Throws InputError when the source says at once that it has another size.
  void CheckKnownSize() const;
  // Drains, then throws InputError when the bytes are not of the expected size, or not of `digest`;
  // says so when that is because the file was changed under the reader. Returns their hash. Not
  // called before.
  Digest Verify(const ParsedDigest& digest);
  InputError ErrorAt(Bytes position, std::string problem) const {
    return InputError("", "byte " + std::to_string(position), std::move(problem));
  }

 private:
  std::string_view view() const { return {buffer_.data() + begin_, end_ - begin_}; }
  // Throws InputError when the bytes go on past the expected size.
  std::size_t Read(std::span<char> target);
  bool Refill();
  InputError WrongSize() const;

  ByteSource& source_;
  Bytes expected_size_;
  std::function<void(std::int64_t)> on_progress_;
  Sha256Stream hash_;
  std::vector<char> buffer_;
  std::size_t begin_;
  std::size_t end_;
  Bytes read_ = 0;
  bool ended_ = false;
};

}  // namespace gneiss
