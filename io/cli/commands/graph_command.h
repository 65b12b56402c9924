#pragma once

#include "io/cli/command.h"

namespace gneiss {

// `gneiss graph`, for the table of commands.
[[nodiscard]] CommandBody ConfigureGraph(CLI::App& app);

}  // namespace gneiss
