// `gneiss replay` on a screen.
#pragma once

#include <ostream>

#include "io/report/questions/replay_report.h"
#include "io/text/table.h"

namespace gneiss {

void PrintReplay(const ReplayReport& report, const ScreenStyle& style, std::ostream& out);

}  // namespace gneiss
