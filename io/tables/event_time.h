// When something happened, as files of events say it: seconds since 1970, a day, or a time of RFC
// 3339.
#pragma once

#include <cstdint>
#include <string_view>

#include "io/json/json_value.h"

namespace gneiss {

// Seconds since 1970. Throws InputError without a source.
[[nodiscard]] std::int64_t ParseEventTime(std::string_view text);

// The same of member "t" of an object: a number or a text.
[[nodiscard]] std::int64_t EventTimeOf(const JsonValue& object);

}  // namespace gneiss
