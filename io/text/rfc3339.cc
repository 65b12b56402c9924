#include "io/text/rfc3339.h"

#include <chrono>

namespace gneiss {
namespace {

// Takes parts off the front of a text. After one that is not there nothing is right any more.
class TimeText {
 public:
  explicit TimeText(std::string_view text) : rest_(text) {}

  bool is_right() const { return is_right_; }
  bool is_at_end() const { return rest_.empty(); }

  // One of `letters`; 0 when there is none.
  char Letter(std::string_view letters) {
    if (rest_.empty() || letters.find(rest_.front()) == std::string_view::npos) {
      is_right_ = false;
      return 0;
    }
    const char letter = rest_.front();
    rest_.remove_prefix(1);
    return letter;
  }
  bool Has(char letter) const { return !rest_.empty() && rest_.front() == letter; }

  // `count` digits that are at most `most`.
  int Number(int count, int most) {
    int number = 0;
    for (; count > 0; --count) {
      const char digit = Letter("0123456789");
      if (digit == 0) return 0;
      number = 10 * number + (digit - '0');
    }
    if (number > most) is_right_ = false;
    return number;
  }

  // ".5" as nanoseconds.
  std::uint32_t Fraction() {
    Letter(".");
    std::uint32_t nanoseconds = 0;
    std::uint32_t unit = 100'000'000;
    do {
      nanoseconds += static_cast<std::uint32_t>(Number(1, 9)) * unit;
      unit /= 10;
    } while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9');
    return nanoseconds;
  }

 private:
  std::string_view rest_;
  bool is_right_ = true;
};

}  // namespace

std::optional<UtcTime> ParseRfc3339(std::string_view text) {
  TimeText parts(text);
  const int year = parts.Number(4, 9999);
  parts.Letter("-");
  const int month = parts.Number(2, 12);
  parts.Letter("-");
  const int day = parts.Number(2, 31);
  parts.Letter("Tt ");
  const int hour = parts.Number(2, 23);
  parts.Letter(":");
  const int minute = parts.Number(2, 59);
  parts.Letter(":");
  const int second = parts.Number(2, 60);
  UtcTime time;
  if (parts.Has('.')) time.nanoseconds = parts.Fraction();
  int offset_minutes = 0;
  if (const char sign = parts.Letter("Zz+-"); sign == '+' || sign == '-') {
    const int hours = parts.Number(2, 23);
    parts.Letter(":");
    offset_minutes = 60 * hours + parts.Number(2, 59);
    if (sign == '-') offset_minutes = -offset_minutes;
  }
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!parts.is_right() || !parts.is_at_end() || !date.ok()) return std::nullopt;
  const std::chrono::seconds since_1970 =
      std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
      std::chrono::minutes(minute - offset_minutes) + std::chrono::seconds(second);
  time.seconds = since_1970.count();
  return time;
}

}  // namespace gneiss
