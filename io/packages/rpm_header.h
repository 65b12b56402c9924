// A header of rpm, as its databases keep one for each package: an index of tags and their data
// (rpm, docs/manual/format_header.md and tags.md), without the magic that headers in files have.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "io/packages/binary_bytes.h"

namespace gneiss {

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
