#include "io/store/packed_bytes.h"

#include <utility>

#include <fmt/format.h>

#include "planner/fleet/bytes.h"

namespace gneiss {

void PackedReader::Fail(std::string problem) const {
  throw InputError("", fmt::format("byte {}", first_ + position_), std::move(problem));
}

std::uint8_t PackedReader::Byte() {
  if (remaining() == 0) Fail("expected another byte, found the end");
  return static_cast<std::uint8_t>(bytes_[position_++]);
}

std::uint64_t PackedReader::AnyNumber() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = Byte();
    const std::uint64_t bits = byte & 0x7fU;
    // The tenth byte holds one bit; a last byte of zero makes a number longer than it need be.
    if ((shift == 63 && bits > 1) || (shift > 0 && byte == 0)) break;
    value |= bits << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  --position_;
  Fail("expected a number of 64 bits in its shortest form, found another form");
}

std::uint64_t PackedReader::Number(std::uint64_t limit, std::string_view what) {
  const std::size_t start = position_;
  const std::uint64_t value = AnyNumber();
  if (value <= limit) return value;
  position_ = start;
  Fail(fmt::format("expected {} of at most {}, found {}", what, limit, value));
}

std::int64_t PackedReader::Signed() {
  const std::uint64_t value = AnyNumber();
  return static_cast<std::int64_t>((value >> 1) ^ ((value & 1) != 0 ? ~std::uint64_t{0} : 0));
}

std::string_view PackedReader::Raw(std::size_t count, std::string_view what) {
  if (count > remaining()) {
    Fail(fmt::format("expected {} of {} bytes, found {} before the end", what, count, remaining()));
  }
  const std::string_view bytes = bytes_.substr(position_, count);
  position_ += count;
  return bytes;
}

}  // namespace gneiss
