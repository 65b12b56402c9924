// One table of a FleetReport as CSV (RFC 4180: CRLF, quotes doubled), raw integers, every row.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "io/report/whole/fleet_report.h"

namespace gneiss {

enum class ReportTable : std::uint8_t {
  kRepositories,
  kNamespaces,
  kLabels,
  kImages,
  kLayers,
  kRecommendations,
  kLevels,
  kWaste,
};

// Names as --table takes them, in the order of the enum.
[[nodiscard]] std::span<const std::string_view> ReportTableNames();
[[nodiscard]] std::optional<ReportTable> ParseReportTable(std::string_view name);

// Throws InputError where the report lacks the table: labels that no image has, waste of layers
// that are not known.
void WriteReportCsv(const FleetReport& report, ReportTable table, std::ostream& out);

// A text as a field, quoted where it has to be, Printable. What a spreadsheet would take for a
// formula (it begins with = + - @, their wide forms, a tab or a line end) gets a ' before it: names
// come from strangers, and a table is more often opened than parsed. Figures are not texts.
[[nodiscard]] std::string CsvText(std::string_view text);

}  // namespace gneiss
