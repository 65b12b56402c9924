// Numbers in the fields of a tar header: octal digits, or base 256 as GNU tar writes what octal
// cannot hold. Strict where readers of tar differ, because a size that two of them read
// differently hides entries from one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gneiss {

// nullopt when the field is neither form or the number does not fit. Octal, as Go's archive/tar
// reads it: spaces and zero bytes at both ends are padding, a zero byte behind digits ends them;
// no digits are 0.
[[nodiscard]] std::optional<std::int64_t> ParseTarNumber(std::string_view field);

// Decimal digits behind a sign or none, as Go reads the sizes of PAX records; nullopt when not,
// below 0 or above 2^63 - 1.
[[nodiscard]] std::optional<std::int64_t> ParseDecimal(std::string_view text);
// The same, below 0 too.
[[nodiscard]] std::optional<std::int64_t> ParseSigned(std::string_view text);

}  // namespace gneiss
