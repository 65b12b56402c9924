// The files of io/report/whole/page and the charting library, inside the executable: embed.cmake
// makes the source of this at build time.
#pragma once

#include <cstddef>
#include <string_view>

namespace gneiss {

struct PageFiles {
  std::string_view html;     // with {{policy}}, {{title}} and so on where parts go
  std::string_view style;    // CSS
  std::string_view library;  // d3, minified
  std::string_view script;   // our own
};

// Valid for as long as the program runs.
[[nodiscard]] PageFiles EmbeddedPage();

}  // namespace gneiss
