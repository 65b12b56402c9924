#include "planner/fleet/calendar.h"

#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kFebruary29 = 1'709'164'800;  // 2024-02-29, a Thursday

TEST_CASE("Periods end where months, weeks and days do", "[planner][calendar]") {
  const std::int64_t march = kFebruary29 + kDaySeconds;
  CHECK(PeriodEnds(kFebruary29, march, CalendarStep::kDay) ==
        std::vector<std::int64_t>{march, march + kDaySeconds});
  CHECK(PeriodEnds(kFebruary29, kFebruary29, CalendarStep::kMonth) ==
        std::vector<std::int64_t>{march});
  CHECK(PeriodEnds(kFebruary29, march, CalendarStep::kMonth) ==
        std::vector<std::int64_t>{march, march + 31 * kDaySeconds});
  // The Monday after that Thursday; a Monday begins a week.
  const std::int64_t monday = kFebruary29 + 4 * kDaySeconds;
  CHECK(PeriodEnds(kFebruary29, monday, CalendarStep::kWeek) ==
        std::vector<std::int64_t>{monday, monday + 7 * kDaySeconds});
  CHECK_THROWS_AS(PeriodEnds(0, 200'000 * kDaySeconds, CalendarStep::kDay), InputError);
}

TEST_CASE("Dates are those of UTC", "[planner][calendar]") {
  CHECK(DateText(kFebruary29, CalendarStep::kDay) == "2024-02-29");
  CHECK(DateText(kFebruary29 - 1, CalendarStep::kDay) == "2024-02-28");
  CHECK(DateText(kFebruary29, CalendarStep::kMonth) == "2024-02");
}

TEST_CASE("Months later is the same day, or the month's last", "[planner][calendar]") {
  const auto later = [](std::int64_t count) {
    return DateText(MonthsLater(kFebruary29 + 5, count), CalendarStep::kDay);
  };
  CHECK(later(1) == "2024-03-29");
  CHECK(later(12) == "2025-02-28");
  CHECK(later(-12) == "2023-02-28");
  CHECK(MonthsLater(kFebruary29 + 5, 1) == kFebruary29 + 29 * kDaySeconds + 5);
}

}  // namespace
}  // namespace gneiss
