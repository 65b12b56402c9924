// Numbers and texts as a byte string that is as short as it is simple, and back. The reader takes
// bytes from anywhere: every read is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gneiss {

class PackedWriter {
 public:
  void Byte(std::uint8_t value) { bytes_ += static_cast<char>(value); }
  // Seven bits a byte, lowest first, the top bit set on all but the last.
  void Number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) Byte(static_cast<std::uint8_t>(value | 0x80));
    Byte(static_cast<std::uint8_t>(value));
  }
  // Small magnitudes are short, whatever the sign.
  void Signed(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    Number((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
  }
  void Raw(std::string_view bytes) { bytes_ += bytes; }
  // Its length, then its bytes.
  void Text(std::string_view text) {
    Number(text.size());
    Raw(text);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Every function takes what it returns. All throw InputError without source, place "byte N", when
// the bytes end early or are not what PackedWriter would have written.
class PackedReader {
 public:
  // The caller keeps `bytes` alive; `first` is what the place of an error counts from.
  explicit PackedReader(std::string_view bytes, std::size_t first = 0)
      : bytes_(bytes), first_(first) {}

  std::uint8_t Byte();
  // `what` completes "expected WHAT of at most LIMIT, found ...".
  std::uint64_t Number(std::uint64_t limit, std::string_view what);
  std::int64_t Signed();
  // A view into the bytes.
  std::string_view Raw(std::size_t count, std::string_view what);
  std::string_view Text(std::size_t limit, std::string_view what) {
    return Raw(static_cast<std::size_t>(Number(limit, what)), what);
  }

  std::size_t remaining() const { return bytes_.size() - position_; }
  std::size_t position() const { return position_; }
  [[noreturn]] void Fail(std::string problem) const;

 private:
  std::uint64_t AnyNumber();

  std::string_view bytes_;
  std::size_t first_;
  std::size_t position_ = 0;
};

}  // namespace gneiss
