// JSON written as it is made, so that a report on millions of images needs no copy of itself in
// memory. Same calls, same bytes.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace gneiss {

// Keeps the order in which members were added.
using Json = nlohmann::ordered_json;

// Objects and arrays that are opened here have one member a line; whole values stand on one line.
// REQUIRES: calls in the order of a JSON text; Key before every member of an object.
class JsonWriter {
 public:
  // `out` must outlive the writer.
  explicit JsonWriter(std::ostream& out) : out_(&out) {}

  void BeginObject();
  void EndObject();
  void BeginArray();
  void EndArray();
  void Key(std::string_view key);
  void Value(const Json& value);  // also an element of an array
  void Field(std::string_view key, const Json& value) {
    Key(key);
    Value(value);
  }
  // Ends the line after the outermost value.
  void Finish();

 private:
  void StartElement();
  void Open(char bracket);
  void Close(char bracket);

  std::ostream* out_;
  std::vector<std::uint8_t> has_elements_;  // of each open container
  bool after_key_ = false;
};

// Compact text of `value`. Bytes that are not UTF-8 become U+FFFD: the result is always valid JSON.
[[nodiscard]] std::string DumpJson(const Json& value);

}  // namespace gneiss
