// The argument of --by, for every command that sorts images into groups.
#pragma once

#include <string>

namespace gneiss {

// For CLI11: empty when ParseGrouping takes `text`, else what is wrong with it.
[[nodiscard]] std::string CheckGrouping(const std::string& text);

}  // namespace gneiss
