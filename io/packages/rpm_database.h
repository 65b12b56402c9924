// Numbers in bytes of strangers: past the end they are 0.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
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

// A header of rpm, as its databases keep one for each package: an index of tags and their data
// (rpm, docs/manual/format_header.md and tags.md), without the magic that headers in files have.

struct RpmHeader {
  std::string_view name;
  std::string version;  // [epoch:]version-release

  // Where the paths are.
  BinaryBytes data;
  std::uint64_t base_names = 0, dir_names = 0, dir_indexes = 0;  // offsets into data
  std::uint32_t num_files = 0, num_dirs = 0;
};

// nullopt when it is no header, or has no name, version or release. Files that it cannot have are
// left out, all of them where their tags do not fit together.
// LIFETIME: has views into `blob`.
[[nodiscard]] std::optional<RpmHeader> ParseRpmHeader(std::string_view blob);

// Calls `take` with each path from the root, in the header's order, until it says false. A view is
// valid until `take` returns. Paths of more than kMaxRpmPathBytes are left out.
// COST: O(bytes of the header + bytes of the paths).
inline constexpr std::size_t kMaxRpmPathBytes = 4096;
void ForEachRpmPath(const RpmHeader& header,
                    const std::function<bool(std::string_view path)>& take);

}  // namespace gneiss
