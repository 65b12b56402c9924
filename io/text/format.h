// Figures as a screen shows them: three significant digits, units stated by whoever prints. Files
// carry raw integers and do not come here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "planner/fleet/bytes.h"

namespace gneiss {

enum class ByteUnits {
  kSi,   // 1 MB = 1,000,000 bytes, as registries bill
  kIec,  // 1 MiB = 1,048,576 bytes
  kRaw,  // bytes, with thousands separators
};

// "635 GB", "1.00 kB", "32 B"; "605 GiB"; "635,291,943,177". A minus sign for negative sizes.
[[nodiscard]] std::string FormatBytes(Bytes size, ByteUnits units);

// What a report says once about its units, e.g. "1 MB = 1,000,000 bytes".
[[nodiscard]] std::string_view UnitsNote(ByteUnits units);

// "11,216".
[[nodiscard]] std::string FormatCount(std::int64_t count);

// "1 image", "11,216 images"; the plural is the singular and "s" unless given.
[[nodiscard]] std::string FormatCounted(std::int64_t count, std::string_view singular,
                                        std::string_view plural = {});

// `part` of `whole` as "68.1 %"; "<0.1 %" for what would round to nothing, "-" of nothing.
[[nodiscard]] std::string FormatPercent(std::int64_t part, std::int64_t whole);

// "+31.2 MB", "-4.00 kB", "0 B".
[[nodiscard]] std::string FormatChange(Bytes change, ByteUnits units);

// "+2.9 %", of `before`; empty when that is 0 or there is no change.
[[nodiscard]] std::string FormatChangePercent(Bytes change, Bytes before);

// `a` over `b` as "3.70x"; "-" when b is 0.
[[nodiscard]] std::string FormatRatio(std::int64_t a, std::int64_t b);

// `value` with three significant digits, at most two of them decimals: "8.19", "22.4", "1,234".
// REQUIRES: value >= 0 and below 2^63.
[[nodiscard]] std::string FormatNumber(double value);

}  // namespace gneiss
