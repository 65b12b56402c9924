// Months, weeks and days of UTC, for figures over time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gneiss {

enum class CalendarStep : std::uint8_t { kDay, kWeek, kMonth };  // weeks begin on Monday

inline constexpr std::int64_t kMaxPeriods = 100'000;

// When the periods end, as seconds since 1970 of the moment after each: from the one with `first`
// in it to the one with `last`. Throws InputError when they are more than kMaxPeriods. REQUIRES: 0
// <= first <= last, before the year 10000.
[[nodiscard]] std::vector<std::int64_t> PeriodEnds(std::int64_t first, std::int64_t last,
                                                   CalendarStep step);

// "2017-08" for a month, else "2017-08-31", of a moment.
[[nodiscard]] std::string DateText(std::int64_t seconds, CalendarStep step);

// The moment `count` months later: of the same day, or of the month's last.
[[nodiscard]] std::int64_t MonthsLater(std::int64_t seconds, std::int64_t count);

// Seconds of the mean month of the Gregorian calendar.
inline constexpr std::int64_t kMeanMonth = 2'629'746;

}  // namespace gneiss
