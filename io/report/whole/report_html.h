// A FleetReport as one HTML file that needs no other: opens from a disk, asks no network for
// anything and cannot, by a policy of its own.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>

#include "io/report/whole/report_json.h"

namespace gneiss {

// The files of io/report/whole/page and the charting library, inside the executable: embed.cmake
// makes the source of this at build time.

struct PageFiles {
  std::string_view html;     // with {{policy}}, {{title}} and so on where parts go
  std::string_view style;    // CSS
  std::string_view library;  // d3, minified
  std::string_view script;   // our own
};

// Valid for as long as the program runs.
[[nodiscard]] PageFiles EmbeddedPage();

void WriteReportHtml(const FleetReport& report, const ReportLimits& limits, std::ostream& out);

// A JSON text as it may stand inside a <script> element: '<' in strings, and the two line ends that
// JSON knows and old JavaScript does not, are escaped. The same JSON.
[[nodiscard]] std::string JsonForScript(std::string_view json);

// `text` as the content of an element or of a quoted attribute. Made Printable.
[[nodiscard]] std::string HtmlText(std::string_view text);

// "'sha256-...'": what a Content-Security-Policy calls an inline script or style.
[[nodiscard]] std::string PolicyHash(std::string_view text);

}  // namespace gneiss
