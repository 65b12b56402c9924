// Numbers in bytes of strangers: past the end they are 0.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gneiss {

class BinaryBytes {
 public:
  // The caller keeps `bytes` alive.
  BinaryBytes(std::string_view bytes, std::endian order) : bytes_(bytes), order_(order) {}

  std::uint32_t U32(std::uint64_t offset) const { return Number(offset, 4); }
  std::uint32_t U16(std::uint64_t offset) const { return Number(offset, 2); }
  std::uint32_t U8(std::uint64_t offset) const { return Number(offset, 1); }
  // `size` bytes from `offset`; empty where they are not all there.
  std::string_view Slice(std::uint64_t offset, std::uint64_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return {};
    return bytes_.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  }
  std::size_t size() const { return bytes_.size(); }

 private:
  std::uint32_t Number(std::uint64_t offset, std::size_t size) const {
    const std::string_view field = Slice(offset, size);
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < field.size(); ++i) {
      const std::size_t at = order_ == std::endian::big ? i : field.size() - 1 - i;
      number = number << 8 | static_cast<unsigned char>(field[at]);
    }
    return number;
  }

  std::string_view bytes_;
  std::endian order_;
};

}  // namespace gneiss
