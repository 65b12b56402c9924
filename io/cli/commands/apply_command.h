// `gneiss apply`: carries a plan out into a new OCI layout.
#pragma once

#include "io/cli/command.h"

namespace gneiss {

CommandBody ConfigureApply(CLI::App& app);

}  // namespace gneiss
