#include "io/bytes/stored_bytes.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "io/bytes/inflater.h"

namespace gneiss {

StoredBytes::StoredBytes(ByteSource& source, Bytes expected_size,
                         std::function<void(std::int64_t)> on_progress)
    : source_(source),
      expected_size_(expected_size),
      on_progress_(std::move(on_progress)),
      buffer_(kMaxPeek + kMaxInflateLookAhead),
      begin_(kMaxInflateLookAhead),
      end_(kMaxInflateLookAhead) {}

std::string_view StoredBytes::Some() {
  if (begin_ == end_) Refill();
  return view();
}

std::string_view StoredBytes::Peek(std::size_t count) {
  while (end_ - begin_ < count && Refill()) {
  }
  return view().substr(0, count);
}

void StoredBytes::Take(std::ptrdiff_t count) {
  begin_ = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(begin_) + count);
}

std::size_t StoredBytes::CopyTo(std::span<char> target) {
  if (begin_ == end_) return Read(target);
  const std::size_t count = std::min(target.size(), end_ - begin_);
  std::copy_n(buffer_.data() + begin_, count, target.data());
  begin_ += count;
  return count;
}

void StoredBytes::Drain() {
  do {
    begin_ = end_;
  } while (Refill());
}

void StoredBytes::CheckKnownSize() const {
  if (source_.stored_size() > 0 && source_.stored_size() != expected_size_) throw WrongSize();
}

Digest StoredBytes::Verify(const ParsedDigest& digest) {
  Drain();
  if (read_ != expected_size_) throw WrongSize();
  const Digest found = hash_.Finish();
  if (digest.verifiable && found != digest.digest) {
    throw ErrorAt(0, "expected a layer with digest " + FormatDigest(digest.digest) + ", found " +
                         FormatDigest(found) +
                         (source_.has_changed() ? "; the file was changed while it was read" : ""));
  }
  return found;
}

InputError StoredBytes::WrongSize() const {
  const Bytes known = source_.stored_size();
  const std::string expected = "expected a layer of " + std::to_string(expected_size_) +
                               " bytes, as its descriptor says, found ";
  if (known > 0 && known != expected_size_) {
    return ErrorAt(std::min(known, expected_size_), expected + std::to_string(known));
  }
  // It was as long as it should be when it was opened, or its length was not known.
  const bool is_short = read_ < expected_size_;
  std::string problem = expected + (is_short ? std::to_string(read_) : "more");
  if (known > 0) {
    problem += is_short ? "; the file became shorter while it was read"
                        : "; the file became longer while it was read";
  }
  return ErrorAt(std::min(read_, expected_size_), std::move(problem));
}

std::size_t StoredBytes::Read(std::span<char> target) {
  if (ended_) return 0;
  const std::size_t count = source_.Read(target);
  read_ += static_cast<Bytes>(count);
  ended_ = count == 0;
  if (read_ > expected_size_) {
    ended_ = true;
    throw WrongSize();
  }
  hash_.Update({target.data(), count});
  if (on_progress_ && count > 0) on_progress_(static_cast<std::int64_t>(count));
  return count;
}

bool StoredBytes::Refill() {
  // The bytes just before `begin_` stay, for decoders that give some back.
  const std::size_t keep = begin_ - kMaxInflateLookAhead;
  std::memmove(buffer_.data(), buffer_.data() + keep, end_ - keep);
  end_ -= keep;
  begin_ = kMaxInflateLookAhead;
  const std::size_t count = Read(std::span(buffer_).subspan(end_));
  end_ += count;
  return count > 0;
}

}  // namespace gneiss
