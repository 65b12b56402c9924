// What tests of io/scan ask of a scan.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "planner/input_error.h"
#include "tests/source_files.h"
#include "tests/tar_bytes.h"

namespace gneiss {

// Scans a tar that is accepted, and holds every invariant.
inline Inventory ScanTar(std::string_view blob, const ScanOptions& options = {}) {
  ScannedLayer scanned = ScanBlob(blob, options);
  INFO(scanned.not_a_tar.found);
  REQUIRE(scanned.inventory.has_value());
  REQUIRE(FindInventoryFault(*scanned.inventory) == "");
  return *std::move(scanned.inventory);
}

inline std::string ScanError(std::string_view blob, const ScanOptions& options = {}) {
  return MessageOf<InputError>([&] { (void)ScanBlob(blob, options); });
}

// "type path[ -> link] size stored", a line for each entry in their order.
inline std::string List(const Inventory& inventory) {
  std::string list;
  for (const Entry& entry : inventory.entries) {
    list += std::string(EntryTypeName(entry.type)) + " " + std::string(inventory.path(entry));
    if (entry.link != 0) list += " -> " + std::string(inventory.link(entry));
    if (entry.type == EntryType::kRegular) {
      list += " " + std::to_string(entry.size);
      if (entry.stored_size != entry.size) list += " " + std::to_string(entry.stored_size);
    }
    list += "\n";
  }
  return list;
}

// "kind count first", a line for each.
inline std::string Warnings(const Inventory& inventory) {
  std::string list;
  for (const InventoryWarning& warning : inventory.warnings) {
    list += warning.kind + " " + std::to_string(warning.count) + " " + warning.first + "\n";
  }
  return list;
}

}  // namespace gneiss
