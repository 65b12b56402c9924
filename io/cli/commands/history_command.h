#pragma once

#include "io/cli/command.h"

namespace gneiss {

// `gneiss history`, for the table of commands.
[[nodiscard]] CommandBody ConfigureHistory(CLI::App& app);

}  // namespace gneiss
