// `gneiss forecast`: how fast a registry grows.
#pragma once

#include "io/cli/command.h"

namespace gneiss {

[[nodiscard]] CommandBody ConfigureForecast(CLI::App& app);

}  // namespace gneiss
