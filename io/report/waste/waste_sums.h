// Findings of waste summed up: by kind, and by repository.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/fleet/fleet.h"
#include "planner/waste/waste.h"

namespace gneiss {

// Findings of one kind together.
struct KindSum {
  WasteKind kind = WasteKind::kDeleted;
  std::int64_t num_findings = 0;
  std::int64_t num_entries = 0;
  Bytes file_bytes = 0;
  Bytes storage = 0;
  Bytes transfer = 0;
};

// Kinds that have findings, largest saving of storage first.
[[nodiscard]] std::vector<KindSum> SumKinds(const WasteReport& report);

// The distinct layers that a group of images holds, and what of them is not needed.
struct WasteGroup {
  std::string name;
  std::int64_t num_images = 0;
  Bytes stored = 0;
  Bytes needless = 0;
};

// Every repository, largest waste first. REQUIRES: report is of `fleet`.
[[nodiscard]] std::vector<WasteGroup> WasteByRepository(const Fleet& fleet,
                                                        const WasteReport& report);

}  // namespace gneiss
