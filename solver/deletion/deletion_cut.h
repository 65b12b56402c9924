// The set of items that is worth the most at one price of loss: a maximum closure (Picard 1976), by
// Boost's maximum flow.
#pragma once

#include <cstdint>
#include <vector>

#include "solver/deletion/deletion_problem.h"

namespace gneiss {

// Per item, 1 where it is in the smallest set S that maximises
//     loss_scale * freed(S) - freed_scale * loss(S),
// which is the same whatever the flow: it has one smallest minimum cut. Exact.
// REQUIRES: 0 <= freed_scale <= total_freed(), 0 <= loss_scale <= total_loss() of a problem that
// this is a part of. Time: one maximum flow.
[[nodiscard]] std::vector<std::uint8_t> MostWorthAt(const DeletionProblem& problem,
                                                    std::int64_t freed_scale,
                                                    std::int64_t loss_scale);

}  // namespace gneiss
