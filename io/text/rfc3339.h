// Times as RFC 3339 writes them, "2024-02-29T12:00:00.5+02:00", as points in time that can be
// compared. GCC 12 has no std::chrono::parse, and no library that is linked here reads them.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gneiss {

struct UtcTime {
  std::int64_t seconds = 0;       // since 1970, negative before
  std::uint32_t nanoseconds = 0;  // later than that, below 1,000,000,000

  friend auto operator<=>(const UtcTime&, const UtcTime&) = default;
};

// nullopt when `text` is not a date-time of RFC 3339 from its start to its end. Years 0000 to 9999;
// 'T' and 'Z' in either case, a space for 'T'. Digits after the ninth of a fraction are read and
// dropped. A leap second is the second after it.
[[nodiscard]] std::optional<UtcTime> ParseRfc3339(std::string_view text);

}  // namespace gneiss
