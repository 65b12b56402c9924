#include "io/tables/event_time.h"

#include <charconv>
#include <optional>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "io/json/json_field.h"
#include "io/tables/record_lines.h"
#include "io/text/rfc3339.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::string_view kExpectedTime =
    "a time, as seconds since 1970, 2018-01-29 or 2018-01-29T12:00:00Z";
// 9999-12-31T23:59:59Z.
constexpr std::int64_t kLastSecond = 253'402'300'799;

}  // namespace

std::int64_t ParseEventTime(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size()) {
    if (seconds >= 0 && seconds <= kLastSecond) return seconds;
  } else {
    for (const char* const rest : {"", "T00:00:00Z"}) {
      const std::optional<UtcTime> time = ParseRfc3339(std::string(text) + rest);
      if (time && time->seconds >= 0) return time->seconds;
    }
  }
  throw InputError(fmt::format("expected {}, found {}", kExpectedTime, Quote(text)));
}

std::int64_t EventTimeOf(const JsonValue& object) {
  const JsonPath root;
  const JsonPath path = root.member("t");
  const JsonValue* const time = FindMember(object, "t");
  if (time == nullptr) ThrowMissing(path, kExpectedTime);
  if (time->kind() == JsonKind::kText) return ParseEventTime(time->text());
  const TreeJson json(*time);
  if (time->kind() == JsonKind::kNumber) {
    const std::optional<std::int64_t> seconds = json.whole();
    if (seconds && *seconds >= 0 && *seconds <= kLastSecond) return *seconds;
  }
  ThrowExpected(path, kExpectedTime, Describe(json));
}

}  // namespace gneiss
