// The report of a scan as text and as JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>

#include "io/report/fleet/scan_report.h"
#include "io/text/table.h"

namespace gneiss {

// A table of outcomes, then lists, each of at most `max_rows` lines (0: all): kinds of oddities
// that were accepted, with the first place of each; bad layers, layers that are no tar, layers
// without a blob, each with its digest, an image that has it, the instruction that made it, and
// what is wrong and where.
void PrintScan(const Fleet& fleet, const FleetScan& scan, const ScanReport& report,
               const ScreenStyle& style, std::size_t max_rows, std::ostream& out);

// Schema "gneiss.scan/1": the same with raw integers, every layer that was left out, in
// "inventories" a row for each layer with its packages and its os-release, and in "warnings" a row
// for each layer and kind of oddity.
void WriteScanJson(const Fleet& fleet, const FleetScan& scan, const ScanReport& report,
                   std::int64_t bad_images, std::ostream& out);

}  // namespace gneiss
