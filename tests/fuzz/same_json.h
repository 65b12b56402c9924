// Whether two JSON documents are the same, members in their order.
#pragma once

#include <algorithm>

#include "io/json/json_value.h"

namespace gneiss {

inline bool IsSameJson(const JsonValue& a, const JsonValue& b) {
  if (a.kind() != b.kind()) return false;
  if (a.kind() == JsonKind::kArray) {
    return std::ranges::equal(a.elements(), b.elements(), IsSameJson);
  }
  if (a.kind() == JsonKind::kObject) {
    return std::ranges::equal(a.members(), b.members(), [](const auto& left, const auto& right) {
      return left.first == right.first && IsSameJson(left.second, right.second);
    });
  }
  if (a.kind() == JsonKind::kText) return a.text() == b.text();
  return a.kind() != JsonKind::kNumber || a.variant().index() == b.variant().index();
}

}  // namespace gneiss
