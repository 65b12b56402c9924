// A FleetReport as JSON, "schema": "gneiss.report/1": what the page shows, and the data inside the
// page. Raw integers; images, layers and recommendations refer to each other by their places in
// these lists. Same input, same bytes.
#pragma once

#include <cstddef>
#include <ostream>

#include "io/report/whole/fleet_report.h"

namespace gneiss {

// How much of the long lists is written, so that a page stays one that opens. What is left out is
// counted beside the list, and is in every sum; 0 for all.
struct ReportLimits {
  std::size_t images = 10'000;  // those with the largest shares
  std::size_t recommendations = 500;
  std::size_t groups = 10'000;  // rows of a table, those with the largest shares
};

void WriteReportJson(const FleetReport& report, const ReportLimits& limits, std::ostream& out);

}  // namespace gneiss
