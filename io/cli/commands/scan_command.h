#pragma once

#include "io/cli/command.h"

namespace gneiss {

// `gneiss scan`, for the table of commands.
[[nodiscard]] CommandBody ConfigureScan(CLI::App& app);

}  // namespace gneiss
