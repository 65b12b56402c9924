#include "io/report/json_writer.h"

namespace gneiss {

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
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace gneiss
