// The screen of `gneiss waste`: what is paid for and not needed, by kind, then what to do first.
#pragma once

#include <ostream>
#include <vector>

#include "io/text/table.h"
#include "planner/fleet/accounting.h"
#include "planner/fleet/fleet.h"
#include "planner/waste/dive_efficiency.h"
#include "planner/waste/waste.h"

namespace gneiss {

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

}  // namespace gneiss
