// A FleetReport as Markdown for merge requests: headline, levels, what to do first, sums.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>

#include "io/report/whole/fleet_report.h"

namespace gneiss {

// `top`: recommendations and rows of a table, 0 for all.
void WriteReportMarkdown(const FleetReport& report, std::size_t top, std::ostream& out);

// `text` as Markdown shows it as it is, on one line, in a table too: no markup, no HTML, and
// nothing that GitHub or GitLab make a link or a mention of. Made Printable.
[[nodiscard]] std::string MarkdownText(std::string_view text);

}  // namespace gneiss
