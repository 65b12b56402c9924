// Manual pages in roff (man(7)), made of what the commands take.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "io/cli/command_shape.h"

namespace gneiss {

// gneiss.1: all commands, sources, exit codes. `version`: without "gneiss ".
[[nodiscard]] std::string MainManualPage(std::span<const CommandShape> commands,
                                         std::string_view version);

// gneiss-COMMAND.1.
[[nodiscard]] std::string CommandManualPage(const CommandShape& command, std::string_view version);

}  // namespace gneiss
