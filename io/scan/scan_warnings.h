// What a scan found odd and accepted, counted by kind.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "planner/bytes.h"
#include "planner/inventory.h"

namespace gneiss {

// The one kind that a strict scan refuses.
inline constexpr std::string_view kPathAboveRoot = "path above the root";

class ScanWarnings {
 public:
  void Add(std::string_view kind, std::string_view first, std::int64_t count = 1) {
    auto found = warnings_.find(kind);
    if (found == warnings_.end()) {
      const InventoryWarning warning{.kind = std::string(kind), .first = std::string(first)};
      found = warnings_.emplace(kind, warning).first;
    }
    found->second.count += count;
  }
  void AddAtTarByte(std::string_view kind, Bytes offset) {
    Add(kind, "tar byte " + std::to_string(offset));
  }
  // Sorted by kind.
  std::vector<InventoryWarning> List() const {
    std::vector<InventoryWarning> list;
    for (const auto& [kind, warning] : warnings_) list.push_back(warning);
    return list;
  }

 private:
  std::map<std::string, InventoryWarning, std::less<>> warnings_;
};

}  // namespace gneiss
