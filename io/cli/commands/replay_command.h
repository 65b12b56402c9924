// `gneiss replay`: what a registry stored and moved as its tags did.
#pragma once

#include "io/cli/command.h"

namespace gneiss {

[[nodiscard]] CommandBody ConfigureReplay(CLI::App& app);

}  // namespace gneiss
