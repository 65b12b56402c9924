// How far a level of a plan is from the best possible one, and why its search ended.
#pragma once

#include <cstdint>
#include <string_view>

#include "planner/fleet/bytes.h"

namespace gneiss {

enum class PlanStatus : std::uint8_t { kOptimal, kGapReached, kTimeLimit, kIterationLimit };
[[nodiscard]] std::string_view PlanStatusName(PlanStatus status);

// (cost - lower_bound) / cost, 0 for no cost.
[[nodiscard]] inline double RelativeGap(Bytes cost, Bytes lower_bound) {
  return cost == 0 ? 0 : static_cast<double>(cost - lower_bound) / static_cast<double>(cost);
}

}  // namespace gneiss
