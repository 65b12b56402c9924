// The report of a plan that was carried out, as text.
#pragma once

#include <ostream>
#include <span>
#include <string>

#include "io/apply/apply_report.h"
#include "io/text/table.h"

namespace gneiss {

// What was done, what was predicted of it, where it lies, and what to do next: commands that can be
// given to a shell. `sources`: as the user named them.
void PrintApply(const ApplyReport& report, std::span<const std::string> sources,
                const ScreenStyle& style, std::ostream& out);

}  // namespace gneiss
