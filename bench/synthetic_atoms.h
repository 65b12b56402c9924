// Atoms of a made-up fleet with the sharing of real ones, for carving and bases at size.
//
// Images derive from a few base families, each a line of versions in which a part of the entries
// changes; they add packages, built once for each family and changing with its versions, popular
// ones often; and an application of their own, of which there are a few tags, each a little
// different. A few shared entries are such that an image may change them for itself. Same
// parameters, same atoms.
#pragma once

#include <cstdint>

#include "solver/carving/atoms.h"

namespace gneiss {

struct SyntheticAtomsShape {
  std::uint32_t num_images = 500;
  std::uint32_t entries_per_image = 20'000;  // about
  std::uint32_t own_changes = 200;           // of the shared entries of that kind, per mille
  std::uint64_t seed = 1;
};

[[nodiscard]] AtomTable MakeSyntheticAtoms(const SyntheticAtomsShape& shape);

}  // namespace gneiss
