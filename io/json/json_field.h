// Fields of JSON documents, checked one by one, with messages that name the field: "layers[2].size:
// expected a whole number of bytes from 0 to 9007199254740992, found -5". Works on any cursor
// `Json` with these members; TreeJson below is one, the fast reader of fleet lines has another.
//
//   JsonKind kind() const;
//   std::string_view text() const;                  REQUIRES kind() == kText
//   std::optional<std::int64_t> whole() const;      REQUIRES kind() == kNumber; nullopt: a
//   fraction, or
//                                                   not an int64
//   std::string scalar_text() const;                REQUIRES null, boolean or number; as JSON
//   void ForEachElement(f(Json)) const;             REQUIRES kind() == kArray
//   void ForEachMember(f(std::string_view, Json)) const;  REQUIRES kind() == kObject
//
// A null counts as absent everywhere, as writers in several languages put it for "none".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "io/json/json_value.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {

// Where a field stands: a chain of names and indices on the caller's stack, written out only when
// there is an error to place.
struct JsonPath {
  const JsonPath* parent = nullptr;
  std::string_view name;    // of a member; empty for an element
  std::int64_t index = -1;  // of an element

  JsonPath member(std::string_view key) const { return {.parent = this, .name = key}; }
  JsonPath element(std::int64_t i) const { return {.parent = this, .name = {}, .index = i}; }

  // "layers[2].size"; empty for the document itself.
  std::string text() const;
};

// Throws InputError "PATH: expected EXPECTED, found FOUND".
[[noreturn]] void ThrowExpected(const JsonPath& path, std::string_view expected,
                                std::string_view found);
[[noreturn]] void ThrowMissing(const JsonPath& path, std::string_view expected);

// Cursor over a JsonValue, which must outlive it.
class TreeJson {
 public:
  explicit TreeJson(const JsonValue& value) : value_(&value) {}

  JsonKind kind() const { return value_->kind(); }
  std::string_view text() const { return value_->text(); }
  std::optional<std::int64_t> whole() const;
  std::string scalar_text() const;

  template <typename F>
  void ForEachElement(const F& f) const {
    for (const JsonValue& element : value_->elements()) f(TreeJson(element));
  }
  template <typename F>
  void ForEachMember(const F& f) const {
    for (const auto& [key, value] : value_->members()) f(std::string_view(key), TreeJson(value));
  }

 private:
  const JsonValue* value_;
};

// A double as a whole number: 5.0 and 1e6 are whole, as JSON has one kind of number.
[[nodiscard]] std::optional<std::int64_t> WholeNumber(double value);
// The shortest text that reads back as `value`.
[[nodiscard]] std::string NumberText(double value);

// The value for a message: scalars as they are, containers by kind.
template <typename Json>
std::string Describe(const Json& value) {
  switch (value.kind()) {
    case JsonKind::kText:
      return Quote(value.text());
    case JsonKind::kArray:
      return "an array";
    case JsonKind::kObject:
      return "an object";
    case JsonKind::kNull:
    case JsonKind::kBoolean:
    case JsonKind::kNumber:
      break;
  }
  return value.scalar_text();
}

template <typename Json>
void ExpectKind(const Json& value, JsonKind kind, const JsonPath& path, std::string_view expected) {
  if (value.kind() != kind) ThrowExpected(path, expected, Describe(value));
}

template <typename Json>
std::string_view ReadText(const Json& value, const JsonPath& path) {
  ExpectKind(value, JsonKind::kText, path, "a string");
  return value.text();
}

// A count from 0 to 2^53. `expected` is the message's noun, e.g. "a whole number of pulls".
template <typename Json>
std::int64_t ReadWhole(const Json& value, const JsonPath& path, std::string_view expected) {
  if (value.kind() == JsonKind::kNumber) {
    const std::optional<std::int64_t> number = value.whole();
    if (number && *number >= 0 && *number <= kMaxBlobSize) return *number;
  }
  ThrowExpected(path, std::string(expected) + " from 0 to " + std::to_string(kMaxBlobSize),
                Describe(value));
}

template <typename Json>
Bytes ReadSize(const Json& value, const JsonPath& path) {
  return ReadWhole(value, path, "a whole number of bytes");
}

inline constexpr std::string_view kExpectedDigest =
    "a digest, as sha256: and 64 hexadecimal digits in lower case";

template <typename Json>
ParsedDigest ReadDigest(const Json& value, const JsonPath& path) {
  if (value.kind() == JsonKind::kText) {
    if (const std::optional<ParsedDigest> digest = ParseDigest(value.text())) return *digest;
  }
  ThrowExpected(path, kExpectedDigest, Describe(value));
}

// Whether `value`, the `urls` of a descriptor, names any place.
template <typename Json>
bool ReadHasUrls(const Json& value, const JsonPath& path) {
  ExpectKind(value, JsonKind::kArray, path, "an array of strings");
  std::int64_t count = 0;
  value.ForEachElement([&](const Json& url) { ReadText(url, path.element(count++)); });
  return count > 0;
}

}  // namespace gneiss
