// `gneiss plan`: where to join layers, what the fleet's bases are, and what that saves.
#pragma once

#include "io/cli/command.h"

namespace gneiss {

[[nodiscard]] CommandBody ConfigurePlan(CLI::App& app);

}  // namespace gneiss
