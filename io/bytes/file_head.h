// What a file is by its first bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "io/bytes/byte_source.h"

namespace gneiss {

// Plain files in a directory that is held open.

// As OpenPlainFile, for a name in a directory; `path` is what messages call the file.
[[nodiscard]] std::unique_ptr<ByteSource> OpenPlainFileIn(int directory, const std::string& name,
                                                          const std::string& path);

// As much of a file as these functions need.
inline constexpr std::size_t kFileHeadBytes = 512;

// Whether `head` is a tar header, of any age: its checksum field holds the sum of its bytes, with
// the field itself taken as spaces.
[[nodiscard]] bool IsTarHeader(std::string_view head);

// What bytes that are no tar seem to be: "xz compressed data", "JSON", ...
[[nodiscard]] std::string DescribeBytes(std::string_view head);

}  // namespace gneiss
