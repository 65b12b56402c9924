// What tests of io/scan ask of a scan.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/fleet/bytes.h"
#include "tests/make/source_files.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {

inline std::string ScanError(std::string_view blob, const ScanOptions& options = {}) {
  return MessageOf<InputError>([&] { (void)ScanBlob(blob, options); });
}

// A strict scan refuses one of the warnings that another one has counted, where there is any.
inline void CheckStrictScan(std::string_view blob, ScanOptions options,
                            const std::vector<InventoryWarning>& warnings) {
  options.strict = true;
  options.sink = nullptr;
  if (warnings.empty()) {
    CHECK_NOTHROW(ScanBlob(blob, options));
    return;
  }
  const std::string error = ScanError(blob, options);
  INFO(error);
  CHECK(error.find("byte ") != std::string::npos);
  CHECK(error.find("expected nothing that a scan warns of") == std::string::npos);
  CHECK(std::ranges::any_of(warnings, [&](const InventoryWarning& warning) {
    return error.find(warning.kind) != std::string::npos;
  }));
}

// Scans a tar that is accepted, and holds every invariant.
inline Inventory ScanTar(std::string_view blob, const ScanOptions& options = {}) {
  ScannedLayer scanned = ScanBlob(blob, options);
  INFO(scanned.not_a_tar.found);
  REQUIRE(scanned.inventory.has_value());
  REQUIRE(FindInventoryFault(*scanned.inventory) == "");
  CheckStrictScan(blob, options, scanned.inventory->warnings);
  return *std::move(scanned.inventory);
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
