// Atoms: contents that the same images hold (design.md 1), by weight and signature. What bases and
// carving choose layers from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gneiss {

using AtomIndex = std::uint32_t;

// Invariants: bytes > 0; signatures are sorted, distinct and not empty, and no two are equal; every
// image is below num_images.
struct AtomTable {
  std::uint32_t num_images = 0;
  std::vector<std::int64_t> bytes;         // per atom: what one copy of it weighs
  std::vector<std::uint64_t> first_image;  // per atom, and one past the end: into `images`
  std::vector<std::uint32_t> images;       // signatures

  std::size_t size() const { return bytes.size(); }
  std::span<const std::uint32_t> signature(AtomIndex a) const {
    return {images.data() + first_image[a], first_image[a + 1] - first_image[a]};
  }
};

}  // namespace gneiss
