// What a file is by its first bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gneiss {

// As much of a file as these functions need.
inline constexpr std::size_t kFileHeadBytes = 512;

// Whether `head` is a tar header, of any age: its checksum field holds the sum of its bytes, with
// the field itself taken as spaces.
[[nodiscard]] bool IsTarHeader(std::string_view head);

// What bytes that are no tar seem to be: "xz compressed data", "JSON", ...
[[nodiscard]] std::string DescribeBytes(std::string_view head);

}  // namespace gneiss
