// Findings of waste summed up: by kind, and by repository.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "io/text/table.h"
#include "planner/fleet/accounting.h"
#include "planner/fleet/fleet.h"
#include "planner/waste/dive_efficiency.h"
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

// The screen of `gneiss waste`: what is paid for and not needed, by kind, then what to do first.

enum class WasteBy { kKind, kLayer, kImage, kRepository };

struct WasteScreen {
  ScreenStyle style;
  std::size_t top = 10;  // findings and rows, 0 for all
  WasteBy by = WasteBy::kKind;
};

// Dive's figures of one image beside ours; images without all contents are left out.
struct DiveRow {
  ImageIndex image = 0;
  DiveEfficiency dive;
};

void PrintWaste(const Fleet& fleet, const Today& today, const LayerContents& contents,
                const WasteReport& report, const CostModel& model, const std::vector<DiveRow>& dive,
                const WasteScreen& screen, std::ostream& out);

// The JSON of `gneiss waste`: "schema": "gneiss.waste/1", all findings, raw integers. Same input,
// same bytes.

void WriteWasteJson(const Fleet& fleet, const Today& today, const LayerContents& contents,
                    const WasteReport& report, const CostModel& model,
                    const std::vector<DiveRow>& dive, std::int64_t bad_images, std::ostream& out);

}  // namespace gneiss
