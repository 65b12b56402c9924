#include "planner/cost/plan_status.h"

#include <array>

namespace gneiss {

std::string_view PlanStatusName(PlanStatus status) {
  constexpr std::array<std::string_view, 4> kNames = {"optimal", "gap reached", "time limit",
                                                      "iteration limit"};
  return kNames[static_cast<std::size_t>(status)];
}

}  // namespace gneiss
