// How many bytes each two images have in common: A diag(z) A^T, with A the image x atom matrix of
// signatures and z the atoms' bytes (design.md 5.2).
#pragma once

#include <cstdint>
#include <vector>

#include "solver/carving/atoms.h"

namespace gneiss {

// Row by row, num_images x num_images, symmetric; the diagonal has the bytes of each image. Time
// O(sum over atoms of the square of their signature's size). REQUIRES: bytes of an image < 2^63.
[[nodiscard]] std::vector<std::int64_t> ImageOverlap(const AtomTable& atoms);

}  // namespace gneiss
