// Numbers in the fields of a tar header: octal digits, or base 256 as GNU tar writes what octal
// cannot hold. Strict where readers of tar differ, because a size that two of them read
// differently hides entries from one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gneiss {

// nullopt when the field is neither form or the number does not fit. Octal: spaces, digits (none:
// 0), then the end, a zero byte or a space; behind a space, or where there are no digits, only
// spaces and zero bytes.
[[nodiscard]] std::optional<std::int64_t> ParseTarNumber(std::string_view field);

// Decimal digits and nothing else, as PAX records hold sizes; nullopt when not or above 2^63 - 1.
[[nodiscard]] std::optional<std::int64_t> ParseDecimal(std::string_view text);

}  // namespace gneiss
