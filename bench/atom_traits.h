// What rules that know packages or names would know of the atoms of a fleet.
#pragma once

#include <vector>

#include "bench/layer_rules.h"
#include "planner/content_atoms.h"

namespace gneiss {

// Of ContentAtoms::files: the origin is the top directory, of two components, of the atom's
// heaviest unit (of equals the first), in place of a package; the hash is that of its first path.
// Equal contents give equal traits, whatever the order of layers.
[[nodiscard]] std::vector<AtomTraits> FindAtomTraits(const ContentAtoms& atoms,
                                                     const LayerContents& contents);

}  // namespace gneiss
