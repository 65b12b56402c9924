// Moves that lead a family of layers to few layers per image and a low cost: greedy closing of
// layers, and a local search by ejections (Glover 1996): a layer is opened where atoms would gain
// the most, and images that then have too many layers leave or close others, the cheapest first.
// Which moves are kept follows simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983), with a
// number of moves given beforehand, so that the answer does not depend on time.
//
//   F. Glover, Ejection chains, reference structures and alternating path methods for traveling
//   salesman problems. Discrete Applied Mathematics 65 (1996) 223-253.
//   S. Kirkpatrick, C. D. Gelatt, M. P. Vecchi, Optimization by simulated annealing. Science 220
//   (1983) 671-680.
#pragma once

#include <cstdint>
#include <functional>

#include "solver/carving/layer_family.h"

namespace gneiss {

// Closes layers until no image has more than its room, at each step the one whose closing costs the
// least per image relieved; then those whose overhead is more than what they save. Commits.
void CloseLayers(LayerFamily& family);

struct CarvingSearchOptions {
  std::uint64_t num_moves = 0;
  std::uint64_t max_work = 0;  // ends the search as well, see LayerFamily::work(); 0: no limit
  std::uint64_t seed = 1;
  std::function<bool()> should_stop;  // polled before each move; may be empty
  // Asked at the start and at each new best, which the family is at then; true ends the search. May
  // be empty.
  std::function<bool()> is_enough;
};

struct CarvingSearchResult {
  std::uint64_t num_moves = 0;
  bool stopped = false;  // should_stop said so
};

// Leaves the best family met. REQUIRES: no image is overfull.
CarvingSearchResult SearchLayers(LayerFamily& family, const CarvingSearchOptions& options);

}  // namespace gneiss
