#include "io/report/whole/report_format.h"

#include <algorithm>
#include <array>

#include "io/report/whole/report_html.h"
#include "io/report/whole/report_markdown.h"
#include "io/report/whole/report_prom.h"

namespace gneiss {
namespace {

constexpr std::array<std::string_view, 5> kFormatNames = {"html", "md", "csv", "prom", "json"};

}  // namespace

std::string_view ReportFormatName(ReportFormat format) {
  return kFormatNames[static_cast<std::size_t>(format)];
}

std::optional<ReportFormat> ParseReportFormat(std::string_view name) {
  if (name == "markdown") return ReportFormat::kMarkdown;  // as other commands call it too
  const auto found = std::ranges::find(kFormatNames, name);
  if (found == kFormatNames.end()) return std::nullopt;
  return static_cast<ReportFormat>(found - kFormatNames.begin());
}

void WriteReport(const FleetReport& report, const ReportForm& form, std::ostream& out) {
  switch (form.format) {
    case ReportFormat::kHtml:
      return WriteReportHtml(report, form.limits, out);
    case ReportFormat::kMarkdown:
      return WriteReportMarkdown(report, form.top, out);
    case ReportFormat::kCsv:
      return WriteReportCsv(report, form.table, out);
    case ReportFormat::kProm:
      return WriteReportProm(report, form.top, out);
    case ReportFormat::kJson:
      return WriteReportJson(report, form.limits, out);
  }
}

}  // namespace gneiss
