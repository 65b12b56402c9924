// A JSON document that people write by hand: with comments (/* */ and //), and with the line of
// every member and element, so that a message can say where to look.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/json/json_value.h"

namespace gneiss {

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
