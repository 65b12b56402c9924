#pragma once

#include "io/cli/command.h"

namespace gneiss {

// `gneiss stat`, for the table of commands.
[[nodiscard]] CommandBody ConfigureStat(CLI::App& app);

}  // namespace gneiss
