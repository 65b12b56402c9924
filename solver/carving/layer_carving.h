// Carving: which layers to make from the atoms of a fleet so that no image has more than K of them
// and the fleet costs the least (design.md 5.3).
//
// The problem. A carving is a list of layers (U_j, A_j): images, and the atoms that they get by it.
// Each atom reaches exactly the images of its signature, each once: the U_j of the layers that hold
// it partition its signature. It costs
//
//     sum over layers of ceil(bytes(A_j) * rate(U_j)) + layer_overhead * pulls(U_j)
//
// (set_rates.h). With storage alone this is the problem of Skourtis et al. 2019, but with layers
// that are shared by any set of images, and with a bound. It is NP-hard.
//
// The plan. Every atom has its layer at first: the file-level layout. Layers are closed, the least
// costly per image relieved first, and their atoms pushed down, until each image has its K; from
// there, or from the layers that the caller offers (such as a merge tree's) where those are better,
// a local search goes on by ejections (carving_search.h). One layer per image is exact: images with
// equal contents share theirs.
//
// The bound is that of carving_bound.h, never below the file-level one: what all atoms cost, each
// in a layer of its own.
//
// Leaves out: what atoms are made of. Same problem, same answer, unless should_stop ends it.
//
//   D. Skourtis, L. Rupprecht, V. Tarasov, N. Megiddo, Carving Perfect Layers out of Docker Images.
//   HotCloud 2019.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "solver/carving/atoms.h"
#include "solver/rates/rates.h"

namespace gneiss {

struct LayerCarving;

struct CarvedLayer {
  std::vector<std::uint32_t> images;  // sorted, not empty
  std::vector<AtomIndex> atoms;       // sorted, not empty

  friend auto operator<=>(const CarvedLayer&, const CarvedLayer&) = default;
};

inline constexpr std::uint32_t kNoLayerLimit = std::numeric_limits<std::uint32_t>::max();

// Views; the caller keeps the arrays alive.
struct CarveOptions {
  std::uint32_t max_layers = kNoLayerLimit;  // per image
  // Layers that stay as they are (of images that are never rewritten). They count against
  // max_layers, and what they bring is not brought again.
  std::span<const CarvedLayer> pinned;
  // Sets of images to start from as well; sorted, not empty.
  std::span<const std::vector<std::uint32_t>> offered;
  std::uint64_t seed = 1;
  // Of the local search; 0: as many as suit the size of the problem.
  std::uint64_t num_moves = 0;
  std::function<bool()> should_stop;  // polled between moves and phases; may be empty
  // What a carving may cost to be enough, as far as this one tells: layers, cost and lower_bound
  // are set. Asked before the search and then at each better carving that costs at most the last
  // answer; one that costs at most its own ends the search. May be empty.
  std::function<std::int64_t(const LayerCarving&)> enough_cost;
};

enum class CarvingStatus {
  kOptimal,     // cost is lower_bound
  kMovesDone,   // the search made all its moves
  kEnough,      // enough_cost ended it
  kStopped,     // should_stop ended it; layers and both figures still hold
  kInfeasible,  // max_layers is 0, or pinned layers leave no room; there are no layers
};

struct LayerCarving {
  std::vector<CarvedLayer> layers;  // the pinned ones as given, then others, sorted
  std::int64_t cost = 0;
  std::int64_t storage_bytes = 0;  // sum over layers of bytes * cells
  std::int64_t lower_bound = 0;    // no carving costs less
  CarvingStatus status = CarvingStatus::kOptimal;
  std::uint64_t num_moves = 0;

  double gap() const {
    return cost == 0 ? 0 : static_cast<double>(cost - lower_bound) / static_cast<double>(cost);
  }
};

// REQUIRES: rates are of the table's images; rates finite, pulls >= 0; costs of all atoms in
// private layers below 2^52 in sum, so that doubles count them exactly; pinned layers hold atoms
// within their signatures, and bring an atom to an image once.
[[nodiscard]] LayerCarving CarveLayers(const AtomTable& atoms, const RateModel& rates,
                                       const CarveOptions& options);

// Cost of given layers, by the definition above.
[[nodiscard]] std::int64_t CostOfLayers(const AtomTable& atoms, const RateModel& rates,
                                        std::span<const CarvedLayer> layers);

}  // namespace gneiss
