#pragma once

#include "io/cli/command.h"

namespace gneiss {

// `gneiss verify`, for the table of commands. Exit codes: 0 all equal, 3 a difference, 1 none found
// but something could not be read.
[[nodiscard]] CommandBody ConfigureVerify(CLI::App& app);

}  // namespace gneiss
