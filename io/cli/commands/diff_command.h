#pragma once

#include "io/cli/command.h"

namespace gneiss {

// `gneiss diff`, for the table of commands.
[[nodiscard]] CommandBody ConfigureDiff(CLI::App& app);

}  // namespace gneiss
