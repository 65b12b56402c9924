// Lines of a byte source, one at a time. Memory is the longest line, never the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/bytes/byte_source.h"

namespace gneiss {

struct Line {
  std::string_view
      text;  // without its end, "\n" or "\r\n"; valid until the next call of the reader
  std::int64_t number = 0;  // 1 for the first
  bool too_long = false;    // longer than the limit: `text` is empty
};

// What becomes of a line longer than the limit: the next one follows, or nothing is read any more,
// for callers that give up then.
enum class LongLines : std::uint8_t { kPassOver, kStop };

class LineReader {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{64} << 20;
  // Past this a line counts as one that has no end, as that of a device.
  static constexpr std::int64_t kMaxPassedOver = std::int64_t{1} << 30;
  // Bytes behind a line's text that may be read, whatever they hold: parsers load whole registers.
  static constexpr std::size_t kPadding = 64;

  // `source` must outlive the reader.
  explicit LineReader(ByteSource& source, std::size_t max_line_bytes = kMaxLineBytes,
                      LongLines long_lines = LongLines::kPassOver);

  // The next line, nullopt after the last. A last line needs no end; an end at the end of the bytes
  // starts no line. Throws what ByteSource::Read throws; InputError without source, with the line's
  // number as place, for a line that does not end within kMaxPassedOver bytes. REQUIRES: with
  // LongLines::kStop, no line was too long before.
  std::optional<Line> Next();

  // Up to `count` bytes from the start of the next line on, without taking them; fewer where the
  // bytes end. Valid until the next call. REQUIRES: count <= 64 KiB.
  std::string_view Peek(std::size_t count);

  // What follows of the text, lines and their ends. Throws what gneiss::ReadText throws. The reader
  // is at its end then.
  [[nodiscard]] std::string ReadRest(std::string_view what, std::size_t max_bytes);

 private:
  bool Refill();
  Line Cut(std::size_t length, std::size_t end_length);

  // Invariant: bytes [begin_, end_) of buffer_ are read and not yet given out; [begin_, searched_)
  // holds no '\n'; kPadding bytes follow end_.
  ByteSource* source_;
  std::size_t max_line_bytes_;
  LongLines long_lines_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t searched_ = 0;
  std::int64_t number_ = 0;
  bool skipping_ = false;         // inside a line that is too long
  std::int64_t passed_over_ = 0;  // of that line
};

}  // namespace gneiss
