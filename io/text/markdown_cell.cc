#include "io/text/markdown_cell.h"

#include <fmt/format.h>

#include "io/text/screen_text.h"

namespace gneiss {

std::string MarkdownCell(std::string_view text) {
  constexpr std::string_view kEscaped = "\\`*_[]|~";
  constexpr std::string_view kAsEntity = "<>&@#!";
  const std::string printable = Printable(text);
  std::string cell;
  for (std::size_t i = 0; i < printable.size(); ++i) {
    const char c = printable[i];
    // "://" makes a link of what stands around it.
    const bool is_link = c == ':' && printable.compare(i, 3, "://") == 0;
    if (is_link || kAsEntity.find(c) != std::string_view::npos) {
      cell += fmt::format("&#{};", static_cast<int>(c));
    } else {
      if (kEscaped.find(c) != std::string_view::npos) cell += '\\';
      cell += c;
    }
  }
  return cell;
}

}  // namespace gneiss
