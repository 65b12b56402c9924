// gneiss snapshot: the fleet as one file, for batch jobs and to be passed on without contents.
#pragma once

#include "io/cli/command.h"

namespace gneiss {

CommandBody ConfigureSnapshot(CLI::App& app);

}  // namespace gneiss
