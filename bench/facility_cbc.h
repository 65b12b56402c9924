// CBC (COIN-OR) on a facility location problem, for comparison: the integer program with the strong
// formulation x_ij <= y_j, and CBC's own defaults.
#pragma once

#include <cstdint>

#include "solver/facilities/facility_location.h"

namespace gneiss {

struct CbcFacilityResult {
  bool optimal = false;
  bool infeasible = false;
  double cost = 0;
  double seconds = 0;  // of the solve, the model built
};

// Whether this was built with CBC.
[[nodiscard]] bool HasCbc();

// Limits on open facilities and forced ones as in `options`; costs are multiplied by `unit`.
// REQUIRES: HasCbc().
[[nodiscard]] CbcFacilityResult SolveWithCbc(const FacilityProblem& problem,
                                             const FacilityOptions& options, double unit = 1);

}  // namespace gneiss
