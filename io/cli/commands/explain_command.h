// `gneiss explain ID`: one recommendation of a plan in full.
#pragma once

#include "io/cli/command.h"

namespace gneiss {

[[nodiscard]] CommandBody ConfigureExplain(CLI::App& app);

}  // namespace gneiss
