// Facility location problems that are made up, the same for a seed on every machine.
#pragma once

#include <cstdint>

#include "bench/facility_file.h"

namespace gneiss {

// As Koerkel describes ("On the exact solution of large-scale simple plant location problems",
// European Journal of Operational Research 39, 1989) and Ghosh uses them ("Neighborhood search
// heuristics for the uncapacitated facility location problem", the same 150, 2003): n customers, n
// facilities, costs uniform in 1000..2000, symmetric or not, opening costs uniform in
// 100..200 (A), 1000..2000 (B) or 10000..20000 (C).
//
// The linear program's bound is 0.14 to 0.19 % below the best plan known in class A, 0.8 to 1.1 %
// in B and 2.5 to 3.3 % in C (n = 250, 500 and 750, seed 1, symmetric and not; against Clp's
// optimum the Lagrangian bound lacks 0.02 % of it at n = 250). Below that, a gap is what branching
// proves.
enum class KoerkelGhoshClass { kA, kB, kC };
[[nodiscard]] FacilityInstance MakeKoerkelGhosh(std::uint32_t n, std::uint64_t seed, bool symmetric,
                                                KoerkelGhoshClass opening);

// Images and candidate bases in bytes. A base is a release of a lineage: the one before with some
// of 16 components renewed. An image stands on a base, with a few components renewed already, and
// pays for what a base does not have of them. Dense: every base serves every image; five components
// are the same in all lineages. Sparse: only bases of the image's own lineage.
struct BaseLikeOptions {
  std::uint32_t num_images = 5000;
  std::uint32_t num_bases = 500;
  std::uint32_t num_lineages = 40;
  bool dense = true;
  std::uint64_t seed = 1;
};
[[nodiscard]] FacilityInstance MakeBaseLike(const BaseLikeOptions& options);

}  // namespace gneiss
