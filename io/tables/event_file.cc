#include "io/tables/event_file.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/tables/record_lines.h"
#include "io/text/rfc3339.h"
#include "planner/fleet/bytes.h"
#include "solver/hashing/seeded_hash.h"

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

namespace {

constexpr std::array<std::string_view, 4> kColumns = {"time", "ref", "manifest", "platform"};
constexpr std::string_view kExpectedManifest =
    "a manifest's digest or number, or none when the tag went away";

std::optional<std::int64_t> ParseNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 ||
      number > kMaxBlobSize) {
    return std::nullopt;
  }
  return number;
}

class EventReader {
 public:
  TagEvents Read(std::unique_ptr<ByteSource> stored, const std::string& path) {
    RecordLines lines(std::move(stored), path, kColumns, 3);
    lines.ForEach(
        [&](std::int64_t line, const std::vector<std::string>& fields) { Take(line, fields); },
        [&](std::int64_t line, const JsonValue& object) { Take(line, object); });
    result_.texts.Seal();
    return std::move(result_);
  }

 private:
  void Take(std::int64_t line, const std::vector<std::string>& fields) {
    TagEvent event = Begin(line, ParseEventTime(fields[0]), fields[1], fields[3]);
    if (fields[2].empty()) {
      event.kind = TagEvent::Kind::kRemoval;
    } else {
      event.manifest = ManifestOf(fields[2]);
    }
    result_.events.push_back(event);
  }

  void Take(std::int64_t line, const JsonValue& object) {
    const JsonPath root;
    const std::int64_t time = EventTimeOf(object);
    const std::string ref = ExpectText(object, "ref", "a ref");
    std::string_view platform;
    if (const JsonValue* const given = FindMember(object, "platform")) {
      platform = ReadText(TreeJson(*given), root.member("platform"));
    }
    TagEvent event = Begin(line, time, ref, platform);
    const bool names_manifest = object.Find("digest") != nullptr || object.Find("m") != nullptr;
    if (names_manifest && FindMember(object, "pulls") != nullptr) {
      throw InputError("pulls: expected a move or pulls, found both; write a line for each");
    }
    if (const JsonValue* const digest = FindMember(object, "digest")) {
      ReadDigest(TreeJson(*digest), root.member("digest"));
      event.manifest = ManifestOf(digest->text());
    } else if (const JsonValue* const number = FindMember(object, "m")) {
      event.manifest = ManifestOf(
          std::to_string(ReadWhole(TreeJson(*number), root.member("m"), "a manifest's number")));
    } else if (const JsonValue* const pulls = FindMember(object, "pulls")) {
      event.kind = TagEvent::Kind::kPull;
      event.pulls = ReadWhole(TreeJson(*pulls), root.member("pulls"), "a whole number of pulls");
    } else if (names_manifest) {
      event.kind = TagEvent::Kind::kRemoval;
    } else {
      ThrowMissing(root.member("digest"), kExpectedManifest);
    }
    result_.events.push_back(event);
  }

  TagEvent Begin(std::int64_t line, std::int64_t time, std::string_view ref,
                 std::string_view platform) {
    ExpectName(ref, "a ref");
    if (!result_.events.empty() && time < result_.events.back().time) {
      throw InputError(fmt::format(
          "expected a time of {} or later, as in line {}, found {}; sort the events by time",
          result_.events.back().time, result_.events.back().line, time));
    }
    return {.time = time,
            .line = line,
            .ref = result_.texts.Intern(ref),
            .platform = result_.texts.Intern(platform)};
  }

  std::uint32_t ManifestOf(std::string_view name) {
    const auto [known, is_new] = manifests_.try_emplace(
        std::string(name), static_cast<std::uint32_t>(result_.manifests.size()));
    if (is_new) {
      const std::optional<ParsedDigest> digest = ParseDigest(name);
      const std::optional<std::int64_t> number = ParseNumber(name);
      if (!digest && !number) {
        throw InputError(fmt::format("expected {}, found {}", kExpectedManifest, Quote(name)));
      }
      EventManifest manifest{.number = number.value_or(-1), .name = std::string(name)};
      if (digest) manifest.digest = digest->digest;
      result_.manifests.push_back(std::move(manifest));
    }
    return known->second;
  }

  TagEvents result_;
  SeededMap<std::string, std::uint32_t> manifests_;  // by name
};

}  // namespace

TagEvents ReadEvents(std::unique_ptr<ByteSource> stored, const std::string& path) {
  TagEvents events;
  WithPath(path, [&] { events = EventReader().Read(std::move(stored), path); });
  return events;
}

}  // namespace gneiss
