#pragma once

#include "io/cli/command.h"

namespace gneiss {

// `gneiss check`, for the table of commands.
[[nodiscard]] CommandBody ConfigureCheck(CLI::App& app);

}  // namespace gneiss
