#pragma once

#include "io/cli/command.h"

namespace gneiss {

// `gneiss whatif`, for the table of commands.
[[nodiscard]] CommandBody ConfigureWhatif(CLI::App& app);

}  // namespace gneiss
