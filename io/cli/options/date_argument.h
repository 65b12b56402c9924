// Dates on the command line.
#pragma once

#include <cstdint>
#include <string>

namespace gneiss {

// Seconds since 1970 of "2017-06-30" (its beginning, UTC), "2017-06" (of the month's first day), or
// a time of RFC 3339. REQUIRES: CheckDate says nothing.
[[nodiscard]] std::int64_t ParseDate(const std::string& text);

// What is wrong with a date, for CLI11; empty when nothing is.
[[nodiscard]] std::string CheckDate(const std::string& text);

}  // namespace gneiss
