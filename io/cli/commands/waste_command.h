#pragma once

#include "io/cli/command.h"

namespace gneiss {

// `gneiss waste`, for the table of commands.
[[nodiscard]] CommandBody ConfigureWaste(CLI::App& app);

}  // namespace gneiss
