// Reads what happened to tags over time (planner/fleet/tag_history.h). A line each, as
// record_lines.h says: CSV "time,ref,manifest[,platform]", or a JSON object
//
//   {"t":1473456427,"ref":"web/app:1","platform":"linux/amd64","digest":"sha256:..."}
//
// with `m`, a number, in place of `digest` for a manifest that is known by one; null, in CSV an
// empty field, when the tag went away; and `pulls` in place of either when the tag was pulled.
// Times are seconds since 1970, days as 2018-01-29, or as RFC 3339 writes them, and never fall.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "io/bytes/byte_source.h"
#include "io/json/json_value.h"
#include "planner/fleet/tag_history.h"

namespace gneiss {

// When something happened, as files of events say it: seconds since 1970, a day, or a time of RFC
// 3339.

// Seconds since 1970. Throws InputError without a source.
[[nodiscard]] std::int64_t ParseEventTime(std::string_view text);

// The same of member "t" of an object: a number or a text.
[[nodiscard]] std::int64_t EventTimeOf(const JsonValue& object);

// Throws InputError with `path` and the line when something is no event or comes too late, and when
// there is none; what ByteSource::Read throws.
[[nodiscard]] TagEvents ReadEvents(std::unique_ptr<ByteSource> stored, const std::string& path);

}  // namespace gneiss
