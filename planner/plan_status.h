// How far a level of a plan is from the best possible one, and why its search ended.
#pragma once

#include <cstdint>
#include <string_view>

#include "planner/bytes.h"

namespace gneiss {

// A gap up to this is an optimum: costs of blobs are rounded up one by one.
inline constexpr double kOptimalGap = 1e-6;

enum class PlanStatus : std::uint8_t { kOptimal, kGapReached, kTimeLimit, kIterationLimit };
[[nodiscard]] std::string_view PlanStatusName(PlanStatus status);

// (cost - lower_bound) / cost, 0 for no cost.
[[nodiscard]] inline double RelativeGap(Bytes cost, Bytes lower_bound) {
  return cost == 0 ? 0 : static_cast<double>(cost - lower_bound) / static_cast<double>(cost);
}

}  // namespace gneiss
