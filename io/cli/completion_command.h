#pragma once

#include "io/cli/command.h"

namespace gneiss {

// `gneiss completion` and `gneiss man`, for the table of commands.
[[nodiscard]] CommandBody ConfigureCompletion(CLI::App& app);
[[nodiscard]] CommandBody ConfigureMan(CLI::App& app);

}  // namespace gneiss
