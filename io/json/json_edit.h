// Changes in a JSON text that leave all the rest of it byte for byte as it is: numbers that no
// double holds, unknown members, their order. Values are views into the text.
//
// Leaves out: checking that it is JSON. All functions REQUIRE a text, or a part of one, that
// ParseJson accepts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gneiss {

struct JsonMember {
  std::string key;
  std::string_view key_span;  // with its quotes
  std::string_view value;
};

// `text` without white space around it.
[[nodiscard]] std::string_view TrimJson(std::string_view text);
// Members in their order, those given twice included; none unless `value` is an object.
[[nodiscard]] std::vector<JsonMember> MembersOf(std::string_view value);
// None unless `value` is an array.
[[nodiscard]] std::vector<std::string_view> ElementsOf(std::string_view value);
// The last member `key`; empty when it is absent or null.
[[nodiscard]] std::string_view FindMember(std::string_view value, std::string_view key);

// Collects changes of one text. Keeps a view of it.
class JsonEdit {
 public:
  explicit JsonEdit(std::string_view text) : text_(text) {}

  // `span`: a value in the text that is in no other change.
  void Replace(std::string_view span, std::string with);
  // Gives the member `key` of an object that value, or adds it at the end; of a member given twice
  // the last stays. REQUIRES: at most one call for an object and a key.
  void Set(std::string_view object, std::string_view key, std::string value);
  // Takes all members `key` away.
  void Remove(std::string_view object, std::string_view key);

  [[nodiscard]] std::string Finish() &&;

 private:
  struct Change {
    std::size_t first = 0;
    std::size_t size = 0;
    std::string with;
  };
  std::size_t OffsetOf(std::string_view span) const {
    return static_cast<std::size_t>(span.data() - text_.data());
  }

  std::string_view text_;
  std::vector<Change> changes_;
};

// A JSON string.
[[nodiscard]] std::string JsonText(std::string_view text);

}  // namespace gneiss
