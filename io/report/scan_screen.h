// The report of a scan as text and as JSON.
#pragma once

#include <cstddef>
#include <ostream>

#include "io/report/scan_report.h"
#include "io/report/table.h"

namespace gneiss {

// A table of outcomes, then a line for each bad layer, `max_bad` of them (0: all): its digest, an
// image that has it, the instruction that made it, and what is wrong and where.
void PrintScan(const Fleet& fleet, const FleetScan& scan, const ScanReport& report,
               const ScreenStyle& style, std::size_t max_bad, std::ostream& out);

// Schema "gneiss.scan/1": the same with raw integers, and every layer that was left out.
void WriteScanJson(const Fleet& fleet, const FleetScan& scan, const ScanReport& report,
                   std::int64_t bad_images, std::ostream& out);

}  // namespace gneiss
