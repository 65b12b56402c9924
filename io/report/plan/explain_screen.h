// One recommendation in full: what it is, what it saves and how that is counted, the images, layers
// and paths it is about, the commands.
#pragma once

#include <cstddef>
#include <ostream>

#include "io/text/table.h"
#include "planner/plan/plan.h"

namespace gneiss {

// Lists end after `top` lines, 0: never. REQUIRES: `r` is one of `plan`, made of `fleet`.
void PrintExplanation(const Fleet& fleet, const Plan& plan, const Recommendation& r,
                      const ScreenStyle& style, std::size_t top, std::ostream& out);

// "gneiss.explain/1": the recommendation as in gneiss.plan/1, and what is in it.
void WriteExplanationJson(const Fleet& fleet, const Plan& plan, const Recommendation& r,
                          std::ostream& out);

}  // namespace gneiss
