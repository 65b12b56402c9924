// The forms of `gneiss report`, and what each of them is asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string_view>

#include "io/report/whole/fleet_report.h"
#include "io/report/whole/report_csv.h"
#include "io/report/whole/report_json.h"

namespace gneiss {

enum class ReportFormat : std::uint8_t { kHtml, kMarkdown, kCsv, kProm, kJson };

// "html", "md", "csv", "prom" or "json", which is also how files of the format end.
[[nodiscard]] std::string_view ReportFormatName(ReportFormat format);
[[nodiscard]] std::optional<ReportFormat> ParseReportFormat(std::string_view name);

struct ReportForm {
  ReportFormat format = ReportFormat::kHtml;
  ReportTable table = ReportTable::kRepositories;  // of kCsv
  std::size_t top = 0;                             // of kMarkdown and kProm, 0: all
  ReportLimits limits;                             // of kHtml and kJson
};

// Throws what WriteReportCsv throws.
void WriteReport(const FleetReport& report, const ReportForm& form, std::ostream& out);

}  // namespace gneiss
