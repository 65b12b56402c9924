// Lines of a byte source, one at a time. Memory is the longest line, never the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "io/source/byte_source.h"

namespace gneiss {

struct Line {
  std::string_view
      text;  // without its end, "\n" or "\r\n"; valid until the next call of the reader
  std::int64_t number = 0;  // 1 for the first
  bool too_long = false;    // longer than the limit: `text` is empty and the line was passed over
};

class LineReader {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{64} << 20;
  // Bytes behind a line's text that may be read, whatever they hold: parsers load whole registers.
  static constexpr std::size_t kPadding = 64;

  // `source` must outlive the reader.
  explicit LineReader(ByteSource& source, std::size_t max_line_bytes = kMaxLineBytes);

  // The next line, nullopt after the last. A last line needs no end; an end at the end of the bytes
  // starts no line. Throws what ByteSource::Read throws.
  std::optional<Line> Next();

  // Up to `count` bytes from the start of the next line on, without taking them; fewer where the
  // bytes end. Valid until the next call. REQUIRES: count <= 64 KiB.
  std::string_view Peek(std::size_t count);

 private:
  bool Refill();
  Line Cut(std::size_t length, std::size_t end_length);

  // Invariant: bytes [begin_, end_) of buffer_ are read and not yet given out; [begin_, searched_)
  // holds no '\n'; kPadding bytes follow end_.
  ByteSource* source_;
  std::size_t max_line_bytes_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t searched_ = 0;
  std::int64_t number_ = 0;
  bool skipping_ = false;  // inside a line that is too long
};

}  // namespace gneiss
