#include "io/json/json_writer.h"

#include <algorithm>
#include <utility>

#include "io/text/screen_text.h"

namespace gneiss {
namespace {

bool IsOdd(const std::string& text) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  return !std::ranges::all_of(text, is_ascii) && NameInvalidBytes(text) != text;
}

// Whether a text in it cannot stand in JSON as it is. Values are made here, so never deep.
bool HasOddText(const Json& value) {
  if (value.is_string()) return IsOdd(value.get_ref<const std::string&>());
  if (!value.is_structured()) return false;
  const auto items = value.items();
  return std::any_of(items.begin(), items.end(), [&](const auto& item) {
    return (value.is_object() && IsOdd(item.key())) || HasOddText(item.value());
  });
}

void NameBytesIn(Json& value) {
  if (value.is_string()) {
    value = NameInvalidBytes(value.get_ref<const std::string&>());
  } else if (value.is_array()) {
    for (Json& element : value) NameBytesIn(element);
  } else if (value.is_object()) {
    Json named = Json::object();
    for (auto& [key, member] : value.items()) {
      NameBytesIn(member);
      named[NameInvalidBytes(key)] = std::move(member);
    }
    value = std::move(named);
  }
}

}  // namespace

void JsonWriter::BeginObject() { Open('{'); }
void JsonWriter::EndObject() { Close('}'); }
void JsonWriter::BeginArray() { Open('['); }
void JsonWriter::EndArray() { Close(']'); }

void JsonWriter::Key(std::string_view key) {
  StartElement();
  *out_ << DumpJson(key) << ": ";
  after_key_ = true;
}

void JsonWriter::Value(const Json& value) {
  StartElement();
  *out_ << DumpJson(value);
}

void JsonWriter::Finish() { *out_ << '\n'; }

void JsonWriter::StartElement() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (has_elements_.empty()) return;
  if (has_elements_.back() != 0) *out_ << ',';
  has_elements_.back() = 1;
  *out_ << '\n' << std::string(2 * has_elements_.size(), ' ');
}

void JsonWriter::Open(char bracket) {
  StartElement();
  *out_ << bracket;
  has_elements_.push_back(0);
}

void JsonWriter::Close(char bracket) {
  const bool had_elements = has_elements_.back() != 0;
  has_elements_.pop_back();
  if (had_elements) *out_ << '\n' << std::string(2 * has_elements_.size(), ' ');
  *out_ << bracket;
}

std::string DumpJson(const Json& value) {
  if (HasOddText(value)) {
    Json named = value;
    NameBytesIn(named);
    return PrintableJson(named.dump());
  }
  return PrintableJson(value.dump());
}

}  // namespace gneiss
