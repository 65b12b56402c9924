// A JSON document as a small tree, read by nlohmann_json's parser: for metadata that comes one
// document at a time (manifests, configs), and to say exactly what is wrong with a line of a fleet
// file. Keeps what a map would lose: the order of members, and members given twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace gneiss {

enum class JsonKind { kNull, kBoolean, kNumber, kText, kArray, kObject };

class JsonValue {
 public:
  using Array = std::vector<JsonValue>;
  using Object = std::vector<std::pair<std::string, JsonValue>>;
  // Integers that fit neither int64 nor uint64 are doubles.
  using Variant = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double,
                               std::string, Array, Object>;

  JsonValue() = default;
  explicit JsonValue(Variant value) : value_(std::move(value)) {}

  JsonKind kind() const;
  // REQUIRES on the next three: the kind they name.
  std::string_view text() const { return std::get<std::string>(value_); }
  const Array& elements() const { return std::get<Array>(value_); }
  const Object& members() const { return std::get<Object>(value_); }

  // Member `key`, the last of them when given twice; nullptr when absent or when this is no object.
  const JsonValue* Find(std::string_view key) const;
  // The text that is member `key`; empty when absent or anything else.
  std::string_view FindText(std::string_view key) const;

  const Variant& variant() const { return value_; }
  Variant& variant() { return value_; }

 private:
  Variant value_ = nullptr;
};

// Containers inside one another; hostile documents nest deeper to exhaust a parser's stack.
inline constexpr int kMaxJsonDepth = 100;

struct JsonDocument {
  JsonValue root;
  std::int64_t num_duplicate_keys = 0;  // members that a later one of the same object replaces
};

// Parses one document that is all of `text`. Throws InputError with place "byte N" (1-based) when
// it is not JSON (RFC 8259, UTF-8) or is nested deeper than kMaxJsonDepth.
[[nodiscard]] JsonDocument ParseJson(std::string_view text);

// Why nlohmann_json refuses a text: its words without its error number, its line, which is always 1
// for a text of one line, and the token last read, which is the input's own bytes and may be long:
// "syntax error while parsing value - invalid literal".
[[nodiscard]] std::string JsonRefusal(std::string_view message);

// Bytes of an input that a message shows at most.
inline constexpr std::size_t kMaxShownBytes = 120;

// `text` for a message, cut after kMaxShownBytes and then marked with "...". REQUIRES: printable.
[[nodiscard]] std::string CutText(std::string_view text);

// `text` in double quotes for a message: one line, printable, cut after 80 bytes.
[[nodiscard]] std::string Quote(std::string_view text);

// A JSON document that people write by hand: with comments (/* */ and //), and with the line of
// every member and element, so that a message can say where to look.

struct LinedMember;

struct LinedJson {
  JsonKind kind = JsonKind::kNull;
  std::int64_t line = 1;  // of a member's key, or where an element ends; from 1
  std::string text;       // of kText; of other scalars as JSON has it, numbers as they were written
  std::vector<LinedJson> elements;
  std::vector<LinedMember> members;  // in order, each key once

  // Member `key`; nullptr when absent or when this is no object.
  const LinedJson* Find(std::string_view key) const;
  // For a message: a text in quotes, another scalar as it is, "an object", "an array".
  std::string Describe() const;
};

struct LinedMember {
  std::string key;
  LinedJson value;
};

// Throws InputError with the line as place when it is not JSON, a key stands twice in one object,
// or containers are nested deeper than kMaxJsonDepth.
[[nodiscard]] LinedJson ParseLinedJson(std::string_view text);

}  // namespace gneiss
