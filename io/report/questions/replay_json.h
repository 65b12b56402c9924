// `gneiss replay --json`: gneiss.replay/1, described in io/report/schema.
#pragma once

#include <ostream>

#include "io/report/questions/replay_report.h"

namespace gneiss {

void WriteReplayJson(const ReplayReport& report, std::ostream& out);

}  // namespace gneiss
