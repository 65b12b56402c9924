// What a scan found odd and accepted, counted by kind; a strict scan refuses the first of them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

// In all of these a strict one throws InputError instead, whose place is the byte: "tar byte 512:
// expected each path once in a layer, found a path given twice (entry "a")".
class ScanWarnings {
 public:
  explicit ScanWarnings(bool is_strict) : is_strict_(is_strict) {}

  // Of the entry that is called `path` and begins at that byte of the tar.
  void Add(std::string_view kind, std::string_view path, Bytes tar_byte, std::int64_t count = 1);
  void AddAtTarByte(std::string_view kind, Bytes tar_byte);
  // Of the stored bytes.
  void AddAtByte(std::string_view kind, Bytes byte);

  // Sorted by kind.
  std::vector<InventoryWarning> List() const;

 private:
  void Count(std::string_view kind, std::string_view first, std::int64_t count);

  bool is_strict_;
  std::map<std::string, InventoryWarning, std::less<>> warnings_;
};

// Why a strict scan refuses a layer that another one has accepted with a warning: "expected RULE,
// found N times a KIND, first at FIRST".
[[nodiscard]] std::string RefusalOf(const InventoryWarning& warning);

}  // namespace gneiss
