// The contents of a fleet as rules see them that know packages and no other image.
#pragma once

#include <vector>

#include "bench/layer_rules.h"
#include "planner/contents/content_atoms.h"

namespace gneiss {

// Atoms (content_atoms.h) split by origin: the package that lists a file, under its name alone, or
// the top directory, of two components, where none does. Signatures repeat.
struct OriginAtoms {
  ContentAtoms atoms;
  std::vector<AtomTraits> traits;  // of atoms.files; hashes are of the origins' names
};

// Equal contents give equal traits, whatever the order of layers.
[[nodiscard]] OriginAtoms SplitByOrigin(const ContentAtoms& atoms, const LayerContents& contents);

}  // namespace gneiss
