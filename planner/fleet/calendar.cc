#include "planner/fleet/calendar.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

using std::chrono::days;
using std::chrono::months;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;

sys_days DayOf(std::int64_t seconds) {
  return std::chrono::floor<days>(sys_seconds(std::chrono::seconds(seconds)));
}

std::int64_t SecondsOf(sys_days day) {
  return std::chrono::duration_cast<std::chrono::seconds>(day.time_since_epoch()).count();
}

// The end of the period that `seconds` is in.
std::int64_t EndAfter(std::int64_t seconds, CalendarStep step) {
  const sys_days day = DayOf(seconds);
  switch (step) {
    case CalendarStep::kDay:
      return SecondsOf(day + days(1));
    case CalendarStep::kWeek:
      return SecondsOf(day + days(7) - (std::chrono::weekday(day) - std::chrono::Monday));
    case CalendarStep::kMonth:
      break;
  }
  const year_month_day date(day);
  return SecondsOf(date.year() / date.month() / 1 + months(1));
}

}  // namespace

std::vector<std::int64_t> PeriodEnds(std::int64_t first, std::int64_t last, CalendarStep step) {
  std::vector<std::int64_t> ends = {EndAfter(first, step)};
  while (ends.back() <= last) {
    if (std::ssize(ends) == kMaxPeriods) {
      throw InputError(fmt::format(
          "expected at most {} periods, found more from {} to {}; take longer ones with --step",
          kMaxPeriods, DateText(first, CalendarStep::kDay), DateText(last, CalendarStep::kDay)));
    }
    ends.push_back(EndAfter(ends.back(), step));
  }
  return ends;
}

std::string DateText(std::int64_t seconds, CalendarStep step) {
  const year_month_day date(DayOf(seconds));
  const int year = static_cast<int>(date.year());
  const unsigned month = static_cast<unsigned>(date.month());
  if (step == CalendarStep::kMonth) return fmt::format("{:04}-{:02}", year, month);
  return fmt::format("{:04}-{:02}-{:02}", year, month, static_cast<unsigned>(date.day()));
}

std::int64_t MonthsLater(std::int64_t seconds, std::int64_t count) {
  const sys_days day = DayOf(seconds);
  const std::int64_t of_day = seconds - SecondsOf(day);
  year_month_day date(day);
  date += months(count);
  if (!date.ok()) date = date.year() / date.month() / std::chrono::last;
  return SecondsOf(sys_days(date)) + of_day;
}

}  // namespace gneiss
