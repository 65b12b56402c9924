// Local search over the choices of base groups under their exact cost.
#pragma once

#include <functional>

#include "planner/bases/rebase_state.h"

namespace gneiss {

// Improves until nothing does: one group to its best choice; all groups that can to one version,
// with those that are better off staying where they were going back; all groups off one lower part.
// Never lifts the cost. Groups and versions are tried in the order of the problem, so the result is
// a function of the start. should_stop (may be empty) is asked before each try.
void ImproveChoices(const RebaseProblem& problem, const std::function<bool()>& should_stop,
                    RebaseState& state);

}  // namespace gneiss
