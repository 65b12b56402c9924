// Bytes over time, for a forecast, from a file:
//
//   the JSON of `gneiss replay --json` (gneiss.replay/1), with its plan's figures where it has them
//   lines as record_lines.h says: CSV "time,stored[,logical]", or JSON objects
//     {"t":1473456427,"stored_bytes":39119000000,"logical_bytes"?:...}
//
// Times are seconds since 1970, days as 2018-01-29, or as RFC 3339 writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/fleet/bytes.h"

namespace gneiss {

struct SeriesPoint {
  std::int64_t time = 0;  // seconds since 1970
  Bytes stored = 0;
  std::optional<Bytes> logical;
  std::optional<Bytes> planned;  // stored, with the layers of a plan
};

// Points of rising times, one or more. Throws InputError with `path` and the line or field when the
// file is neither, is of another version, or times do not rise; what OpenFile throws.
[[nodiscard]] std::vector<SeriesPoint> ReadGrowthSeries(const std::string& path);

}  // namespace gneiss
