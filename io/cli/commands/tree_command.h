#pragma once

#include "io/cli/command.h"

namespace gneiss {

// `gneiss tree`, for the table of commands.
[[nodiscard]] CommandBody ConfigureTree(CLI::App& app);

}  // namespace gneiss
