#include "io/bytes/line_reader.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>

#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {
constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
}  // namespace

LineReader::LineReader(ByteSource& source, std::size_t max_line_bytes, LongLines long_lines)
    : source_(&source),
      max_line_bytes_(max_line_bytes),
      long_lines_(long_lines),
      buffer_(kBufferBytes + kPadding) {}

std::optional<Line> LineReader::Next() {
  while (true) {
    const char* const unsearched = buffer_.data() + searched_;
    const auto* const newline =
        static_cast<const char*>(std::memchr(unsearched, '\n', end_ - searched_));
    if (newline != nullptr) {
      return Cut(static_cast<std::size_t>(newline - buffer_.data()) - begin_, 1);
    }
    searched_ = end_;
    // One more than the limit: the last byte may be the '\r' of the line's end.
    if (end_ - begin_ > max_line_bytes_ + 1) {
      if (long_lines_ == LongLines::kStop) return Line{.number = ++number_, .too_long = true};
      skipping_ = true;
      passed_over_ += static_cast<std::int64_t>(end_ - begin_);
      begin_ = end_;
      if (passed_over_ > kMaxPassedOver) {
        throw InputError("", std::to_string(number_ + 1),
                         "expected a line of at most " + std::to_string(max_line_bytes_) +
                             " bytes, found one without an end");
      }
    }
    if (Refill()) continue;
    if (begin_ == end_ && !skipping_) return std::nullopt;
    return Cut(end_ - begin_, 0);
  }
}

std::string_view LineReader::Peek(std::size_t count) {
  while (end_ - begin_ < count && Refill()) {
  }
  return {buffer_.data() + begin_, std::min(count, end_ - begin_)};
}

std::string LineReader::ReadRest(std::string_view what, std::size_t max_bytes) {
  std::string text = ReadText(*source_, what, max_bytes, {buffer_.data() + begin_, end_ - begin_});
  begin_ = searched_ = end_;
  return text;
}

// Gives out `length` bytes as a line and passes over its end.
Line LineReader::Cut(std::size_t length, std::size_t end_length) {
  Line line{.text = {buffer_.data() + begin_, length}, .number = ++number_};
  if (line.text.ends_with('\r')) line.text.remove_suffix(1);
  if (skipping_ || line.text.size() > max_line_bytes_) {
    line.text = {};
    line.too_long = true;
  }
  skipping_ = false;
  passed_over_ = 0;
  begin_ += length + end_length;
  searched_ = begin_;
  return line;
}

// Reads more behind end_; false where the bytes end. Room comes from what was given out, else from
// twice the buffer, which is bounded because Next gives up on lines past the limit.
bool LineReader::Refill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    searched_ -= begin_;
    begin_ = 0;
  }
  if (end_ + kPadding == buffer_.size()) {
    buffer_.resize(2 * end_ + kPadding);
  }
  const std::size_t count =
      source_->Read(std::span(buffer_).subspan(end_, buffer_.size() - kPadding - end_));
  end_ += count;
  return count > 0;
}

}  // namespace gneiss
