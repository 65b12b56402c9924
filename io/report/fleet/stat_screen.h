// A StatReport as text for a screen: the findings in words, then tables whose rows add up.
#pragma once

#include <cstddef>
#include <ostream>

#include "io/report/fleet/stat_report.h"
#include "io/text/table.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

struct StatScreen {
  ScreenStyle style = {};
  std::size_t top = 20;    // rows of a table, the rest in "[N others]"; 0 for all
  bool images = false;     // the table by image too
  bool one_group = false;  // also tables that have one row only
};

// REQUIRES: `report` was made of `fleet`.
void PrintStat(const Fleet& fleet, const StatReport& report, const StatScreen& screen,
               std::ostream& out);

}  // namespace gneiss
