// `gneiss replay` on a screen.
#pragma once

#include <ostream>

#include "io/report/replay_report.h"
#include "io/report/table.h"

namespace gneiss {

void PrintReplay(const ReplayReport& report, const ScreenStyle& style, std::ostream& out);

}  // namespace gneiss
