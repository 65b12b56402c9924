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

// Compact text of `value`, always valid JSON and safe on a terminal.
//
//   - Control characters (C0, DEL, C1) and bidirectional or invisible marks are escaped ("\u009b"),
//     which says the same to whoever parses it.
//   - Names in layers are bytes. A byte that is not UTF-8 becomes U+FFFD and its two hexadecimal
//     digits, as does each byte of U+FFFD itself: "caf\xe9" is "caf\ufffde9". So two names are
//     never one in JSON, and the bytes can be had back.
[[nodiscard]] std::string DumpJson(const Json& value);

// Compact text of a nlohmann value for programs: as it is, but that a byte which is not UTF-8
// becomes U+FFFD.
template <typename AnyJson>
[[nodiscard]] std::string CompactJson(const AnyJson& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, AnyJson::error_handler_t::replace);
}

}  // namespace gneiss
