// Build instructions, as the history of an image records them, in a form that fits a table.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gneiss {

// `created_by` for a screen, at most `width` columns: without what every instruction carries
// ("/bin/sh -c #(nop) ", "/bin/sh -c ", build arguments "|1 A=b", "# buildkit", a leading "set
// -ex"), white space collapsed, content hashes cut to eight digits, escaped by Printable. A bare
// shell command gets its RUN back. Empty when `created_by` is.
[[nodiscard]] std::string PrettyInstruction(std::string_view created_by, std::size_t width);

}  // namespace gneiss
