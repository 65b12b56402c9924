#include "io/tables/event_file.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/json/json_field.h"
#include "io/json/json_value.h"
#include "io/tables/event_time.h"
#include "io/tables/record_lines.h"
#include "planner/fleet/bytes.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
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
