#include "io/cli/options/date_argument.h"

#include <optional>

#include <fmt/format.h>

#include "io/text/rfc3339.h"

namespace gneiss {
namespace {

std::optional<std::int64_t> ReadDate(const std::string& text) {
  for (const char* const rest : {"", "T00:00:00Z", "-01T00:00:00Z"}) {
    if (const std::optional<UtcTime> time = ParseRfc3339(text + rest)) return time->seconds;
  }
  return std::nullopt;
}

}  // namespace

std::int64_t ParseDate(const std::string& text) { return ReadDate(text).value(); }

std::string CheckDate(const std::string& text) {
  if (ReadDate(text)) return "";
  return fmt::format("expected a date, as 2017-06-30, found \"{}\"", text);
}

}  // namespace gneiss
