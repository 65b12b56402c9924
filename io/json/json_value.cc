#include "io/json/json_value.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include <nlohmann/json.hpp>

#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

// Members of one object that a later member of the same key replaces.
std::int64_t CountDuplicates(const JsonValue::Object& object) {
  if (object.size() < 2) return 0;
  std::vector<std::string_view> keys;
  keys.reserve(object.size());
  for (const auto& [key, value] : object) keys.emplace_back(key);
  std::ranges::sort(keys);
  std::int64_t duplicates = 0;
  for (std::size_t i = 1; i < keys.size(); ++i) duplicates += keys[i] == keys[i - 1] ? 1 : 0;
  return duplicates;
}

// Length of the UTF-8 sequence at the start of `text`, 0 when it is not one.
std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = byte(0) < 0x80   ? 1
                             : byte(0) < 0xc2 ? 0
                             : byte(0) < 0xe0 ? 2
                             : byte(0) < 0xf0 ? 3
                             : byte(0) < 0xf5 ? 4
                                              : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  }
  return length;
}

// `text` on one line, what cannot be printed as \xNN.
std::string Printable(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string printable;
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text.front());
    std::size_t length = Utf8Length(text);
    if (length == 0 || c < 0x20 || c == 0x7f) {
      printable += "\\x";
      printable += kHex[c >> 4];
      printable += kHex[c & 15];
      length = 1;
    } else {
      printable.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return printable;
}

// Bytes of `text` up to `most` that do not end inside a character.
std::size_t CutLength(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text.size();
  std::size_t end = most;
  while (end > most - 4 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
  return end;
}

// Builds the tree from the events of the parser.
class TreeBuilder {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  bool null() { return Put(nullptr); }
  bool boolean(bool value) { return Put(value); }
  bool number_integer(number_integer_t value) { return Put(std::int64_t{value}); }
  bool number_unsigned(number_unsigned_t value) { return Put(std::uint64_t{value}); }
  bool number_float(number_float_t value, const string_t& /*text*/) { return Put(value); }
  bool string(string_t& value) { return Put(std::move(value)); }
  bool binary(binary_t& /*value*/) { return false; }  // no such thing in JSON text
  bool start_object(std::size_t /*size*/) { return Open(JsonValue::Object()); }
  bool start_array(std::size_t /*size*/) { return Open(JsonValue::Array()); }
  bool key(string_t& value) {
    std::get<JsonValue::Object>(open_.back()->variant())
        .emplace_back(std::move(value), JsonValue());
    return true;
  }
  bool end_object() {
    document_.num_duplicate_keys += CountDuplicates(open_.back()->members());
    open_.pop_back();
    return true;
  }
  bool end_array() {
    open_.pop_back();
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& error) {
    error_ = InputError("", "byte " + std::to_string(position),
                        "not JSON: " + JsonRefusal(error.what()));
    return false;
  }

  JsonDocument Finish() {
    if (error_) throw *error_;
    return std::move(document_);
  }

 private:
  JsonValue* Place(JsonValue::Variant value) {
    JsonValue* target = &document_.root;
    if (!open_.empty()) {
      if (auto* const array = std::get_if<JsonValue::Array>(&open_.back()->variant())) {
        target = &array->emplace_back();
      } else {
        target = &std::get<JsonValue::Object>(open_.back()->variant()).back().second;
      }
    }
    target->variant() = std::move(value);
    return target;
  }

  bool Put(JsonValue::Variant value) {
    Place(std::move(value));
    return true;
  }

  bool Open(JsonValue::Variant container) {
    if (open_.size() == kMaxJsonDepth) {
      error_ =
          InputError("JSON is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
      return false;
    }
    // Only the innermost container grows, so the addresses of the open ones stay.
    open_.push_back(Place(std::move(container)));
    return true;
  }

  JsonDocument document_;
  std::vector<JsonValue*> open_;
  std::optional<InputError> error_;
};

// Where a text has what is no JSON and nlohmann_json ignores: a byte order mark at its start, or a
// NUL byte, which it takes for the end whatever follows. npos when it has neither.
std::size_t FindIgnoredByte(std::string_view text) {
  return text.starts_with("\xef\xbb\xbf") ? 0 : text.find('\0');
}

}  // namespace

JsonKind JsonValue::kind() const {
  static constexpr JsonKind kKinds[] = {JsonKind::kNull,   JsonKind::kBoolean, JsonKind::kNumber,
                                        JsonKind::kNumber, JsonKind::kNumber,  JsonKind::kText,
                                        JsonKind::kArray,  JsonKind::kObject};
  return kKinds[value_.index()];
}

const JsonValue* JsonValue::Find(std::string_view key) const {
  const auto* const object = std::get_if<Object>(&value_);
  if (object == nullptr) return nullptr;
  for (auto member = object->rbegin(); member != object->rend(); ++member) {
    if (member->first == key) return &member->second;
  }
  return nullptr;
}

std::string_view JsonValue::FindText(std::string_view key) const {
  const JsonValue* const member = Find(key);
  return member != nullptr && member->kind() == JsonKind::kText ? member->text()
                                                                : std::string_view();
}

JsonDocument ParseJson(std::string_view text) {
  TreeBuilder builder;
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  JsonDocument document = builder.Finish();
  if (const std::size_t at = FindIgnoredByte(text); at != std::string_view::npos) {
    throw InputError("", "byte " + std::to_string(at + 1),
                     std::string("not JSON: expected JSON text, found ") +
                         (text[at] == '\0' ? "a NUL byte" : "a byte order mark"));
  }
  return document;
}

std::string JsonRefusal(std::string_view message) {
  if (const std::size_t column = message.find(", column "); column != std::string_view::npos) {
    if (const std::size_t colon = message.find(": ", column); colon != std::string_view::npos) {
      message.remove_prefix(colon + 2);
    }
  } else if (const std::size_t bracket = message.find("] "); bracket != std::string_view::npos) {
    message.remove_prefix(bracket + 2);
  }
  std::string_view reason = message;
  if (const std::size_t token = message.find("; last read: "); token != std::string_view::npos) {
    // What was expected instead stands behind the token.
    const std::size_t expected = message.rfind("'; expected ");
    reason = message.substr(0, token);
    if (expected != std::string_view::npos && expected > token) {
      return CutText(Printable(reason)) + CutText(Printable(message.substr(expected + 1)));
    }
  }
  // The token may be all of the input.
  return CutText(Printable(reason.substr(0, 2 * kMaxShownBytes)));
}

std::string CutText(std::string_view text) {
  if (text.size() <= kMaxShownBytes) return std::string(text);
  return std::string(text.substr(0, CutLength(text, kMaxShownBytes))) + "...";
}

std::string Quote(std::string_view text) {
  static constexpr std::size_t kMaxBytes = 80;
  const std::string_view kept = text.substr(0, CutLength(text, kMaxBytes));
  std::string quoted = "\"";
  for (const char c : Printable(kept)) {
    if (c == '"') quoted += '\\';
    quoted += c;
  }
  return quoted + (kept.size() < text.size() ? "\"..." : "\"");
}

}  // namespace gneiss
