// Text from inputs as the cell of a Markdown table, as GitHub and GitLab read them.
#pragma once

#include <string>
#include <string_view>

namespace gneiss {

// `text` made Printable, with every character that means something to Markdown or HTML escaped, so
// that a name can neither leave its cell, nor link, nor call anybody (@NAME, #1, https://).
[[nodiscard]] std::string MarkdownCell(std::string_view text);

}  // namespace gneiss
