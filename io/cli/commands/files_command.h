#pragma once

#include "io/cli/command.h"

namespace gneiss {

// `gneiss files`, for the table of commands.
[[nodiscard]] CommandBody ConfigureFiles(CLI::App& app);

}  // namespace gneiss
