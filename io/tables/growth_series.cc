#include "io/tables/growth_series.h"

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "io/bytes/byte_source.h"
#include "io/bytes/line_reader.h"
#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/tables/event_file.h"
#include "io/tables/record_lines.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::size_t kHeadBytes = 4096;
constexpr std::size_t kMaxReplayBytes = std::size_t{256} << 20;
constexpr std::string_view kReplaySchema = "gneiss.replay/1";

Bytes BytesOf(const JsonValue& object, std::string_view key, const JsonPath& path) {
  const JsonValue* const value = FindMember(object, key);
  if (value == nullptr) ThrowMissing(path.member(key), "a whole number of bytes");
  return ReadSize(TreeJson(*value), path.member(key));
}

const JsonValue& ArrayOf(const JsonValue& object, std::string_view key, const JsonPath& path) {
  const JsonValue* const value = FindMember(object, key);
  if (value == nullptr) ThrowMissing(path.member(key), "an array of periods");
  ExpectKind(TreeJson(*value), JsonKind::kArray, path.member(key), "an array of periods");
  return *value;
}

class SeriesReader {
 public:
  explicit SeriesReader(const std::string& path) : path_(path) {}

  std::vector<SeriesPoint> Read() {
    WithPath(path_, [&] {
      RecordLines lines(OpenFile(path_, "a series of bytes over time"), path_, kSeriesColumns, 2);
      const std::string_view head = lines.lines().Peek(kHeadBytes);
      if (head.find("\"schema\"") != std::string_view::npos) {
        ReadReplay(lines.lines());
      } else {
        ReadLines(lines);
      }
    });
    return std::move(points_);
  }

 private:
  static constexpr std::array<std::string_view, 3> kSeriesColumns = {"time", "stored", "logical"};

  void Add(SeriesPoint point) {
    if (!points_.empty() && point.time <= points_.back().time) {
      throw InputError(fmt::format("expected a time after {}, that of the point before, found {}",
                                   points_.back().time, point.time));
    }
    points_.push_back(point);
  }

  void ReadLines(RecordLines& lines) {
    lines.ForEach(
        [&](std::int64_t /*line*/, const std::vector<std::string>& fields) {
          SeriesPoint point{.time = ParseEventTime(fields[0]),
                            .stored = ParseCount(fields[1], "bytes")};
          if (!fields[2].empty()) point.logical = ParseCount(fields[2], "bytes");
          Add(point);
        },
        [&](std::int64_t /*line*/, const JsonValue& object) {
          const JsonPath root;
          SeriesPoint point{.time = EventTimeOf(object),
                            .stored = BytesOf(object, "stored_bytes", root)};
          if (FindMember(object, "logical_bytes") != nullptr) {
            point.logical = BytesOf(object, "logical_bytes", root);
          }
          Add(point);
        });
  }

  void ReadReplay(LineReader& lines) {
    const JsonDocument document = ParseJson(lines.ReadRest("a replay", kMaxReplayBytes));
    const JsonPath root;
    const std::string schema = ExpectText(document.root, "schema", kReplaySchema);
    if (schema != kReplaySchema) {
      throw InputError(path_, "schema",
                       fmt::format("expected {}, found {}; write it with `gneiss replay --json`",
                                   kReplaySchema, Quote(schema)));
    }
    const auto& periods = ArrayOf(document.root, "periods", root).elements();
    const JsonPath list = root.member("periods");
    for (std::size_t p = 0; p < periods.size(); ++p) {
      const JsonPath path = list.element(static_cast<std::int64_t>(p));
      Add({.time = BytesOf(periods[p], "held_at", path),
           .stored = BytesOf(periods[p], "stored_bytes", path),
           .logical = BytesOf(periods[p], "logical_bytes", path)});
    }
    if (const JsonValue* const planned = FindMember(document.root, "planned")) {
      AddPlanned(*planned, root.member("planned"));
    }
    if (points_.empty()) throw InputError(path_, "periods", "expected periods, found none");
  }

  void AddPlanned(const JsonValue& planned, const JsonPath& path) {
    const auto& periods = ArrayOf(planned, "periods", path).elements();
    const JsonPath list = path.member("periods");
    if (periods.size() != points_.size()) {
      throw InputError(
          path_, list.text(),
          fmt::format("expected {} periods, found {}", points_.size(), periods.size()));
    }
    for (std::size_t p = 0; p < periods.size(); ++p) {
      points_[p].planned =
          BytesOf(periods[p], "stored_bytes", list.element(static_cast<std::int64_t>(p)));
    }
  }

  const std::string& path_;
  std::vector<SeriesPoint> points_;
};

}  // namespace

std::vector<SeriesPoint> ReadGrowthSeries(const std::string& path) {
  return SeriesReader(path).Read();
}

}  // namespace gneiss
