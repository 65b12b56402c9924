// A lower bound for carvings with few layers per image, image by image.
//
// The images of a layer U pay its rate between them: image i pays share_i(U), and the shares sum to
// rate(U) at most. Shares are cross-monotonic (Moulin 1999): share_i(U) >= share_i(S) for all
// U inside S. A layer's users are inside the signature of each of its atoms, so image i pays at
// least share_i(signature(a)) a byte for a layer with the atom a. It has at most `room` layers; the
// cheapest way to sort its atoms into so many groups,
//
//     sum over groups of bytes(group) * max over atoms a in it of share_i(signature(a))
//                        + overhead of a layer for the image,
//
// is a bound on what it pays, and groups are intervals of its atoms by share, so a dynamic program
// finds it exactly. The sum over images bounds the cost of every carving, for any weights w > 0:
//
//     share_i(U) = storage_weight * w_i / w(U)                or, scoped, so for each cell
//                + fetch_weight * nodes(e) * w_i / w(U at e)  for each pool e of i
//                + fetch_weight * fetches(U) * pulls_i / pulls(U)
//
// each term cross-monotonic because its cost is submodular: coverage, or concave in the pulls.
// The weights start equal, and gradient steps improve them.
//
// With room for every atom the bound is that of the files: every atom stored once.
//
//   H. Moulin, Incremental cost sharing: characterization by coalition strategy-proofness. Social
//   Choice and Welfare 16 (1999) 279-320.
#pragma once

#include <cstdint>
#include <functional>

#include "solver/carving/carving_model.h"

namespace gneiss {

// Part of a bound by which it is lowered, so that rounding in sums of doubles never lifts it above
// a cost.
inline constexpr double kCarvingBoundTolerance = 1e-9;

struct CarvingBoundOptions {
  std::uint32_t num_steps = 60;       // of the weights
  std::function<bool()> should_stop;  // polled before each step; may be empty
};

// In whole units. REQUIRES: each image of the model stands for itself alone. Time O(num_steps * sum
// over images of (atoms * (log(atoms) + room))).
[[nodiscard]] std::int64_t BoundCarving(const CarvingModel& model,
                                        const CarvingBoundOptions& options = {});

}  // namespace gneiss
