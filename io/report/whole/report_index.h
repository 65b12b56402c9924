// The index of a batch of reports, one for each group of a fleet: what each group holds of the
// whole, what it could save by itself, and where its report is.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "io/report/fleet/grouping.h"
#include "io/report/whole/report_format.h"
#include "planner/fleet/accounting.h"

namespace gneiss {

struct IndexRow {
  GroupAccount group;  // in the whole fleet
  std::string file;    // in the folder of the index
  // Of the group's own report, where nothing is shared with other groups. Layers only.
  Bytes alone_bytes = 0;
  std::string_view best_level;
  Bytes best_bytes = 0;
};

struct ReportIndex {
  Grouping grouping;
  FleetTotals totals;  // of the whole fleet
  std::int64_t images_in_several = 0;
  std::int64_t repeated_images = 0;  // as of GroupTable
  Bytes repeated_logical = 0;
  std::int64_t images_without = 0;  // images that have no such label
  std::vector<IndexRow> rows;       // largest proportional share first
};

// HTML for HTML, Markdown for Markdown, JSON for JSON ("schema": "gneiss.report-index/1"), CSV for
// the others.
[[nodiscard]] std::string IndexFileName(ReportFormat format);
void WriteReportIndex(const ReportIndex& index, ReportFormat format, std::ostream& out);

// File names for groups, in their order: what of the name is safe on any file system and in any
// link, and digits of its hash where that is not all of it. No two are the same, in either case of
// letters, and none is an index.
[[nodiscard]] std::vector<std::string> GroupFileNames(const std::vector<std::string>& groups,
                                                      std::string_view extension);

}  // namespace gneiss
