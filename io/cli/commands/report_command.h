// `gneiss report`: accounting, plan and waste as a page, Markdown, CSV, Prometheus text or JSON; of
// the fleet, or of each group of it.
#pragma once

#include "io/cli/command.h"

namespace gneiss {

[[nodiscard]] CommandBody ConfigureReport(CLI::App& app);

}  // namespace gneiss
