// The text of `gneiss COMMAND --help`, made of the options as CLI11 knows them.
#pragma once

#include <string>

#include "io/cli/command.h"

namespace gneiss {

// Summary, usage, every option with its description wrapped to 80 columns, and the example.
[[nodiscard]] std::string HelpText(const Command& command, const CLI::App& app);

}  // namespace gneiss
