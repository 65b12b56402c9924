#include "solver/carving/image_overlap.h"

#include <cstddef>

#include <Eigen/Sparse>

namespace gneiss {

std::vector<std::int64_t> ImageOverlap(const AtomTable& atoms) {
  using Matrix = Eigen::SparseMatrix<std::int64_t, Eigen::ColMajor, std::int64_t>;
  const auto num_images = static_cast<std::int64_t>(atoms.num_images);
  const auto num_atoms = static_cast<std::int64_t>(atoms.size());
  Matrix has(num_images, num_atoms);
  Matrix bytes(num_images, num_atoms);
  has.reserve(static_cast<std::int64_t>(atoms.images.size()));
  bytes.reserve(static_cast<std::int64_t>(atoms.images.size()));
  for (std::int64_t a = 0; a < num_atoms; ++a) {
    has.startVec(a);
    bytes.startVec(a);
    for (const std::uint32_t i : atoms.signature(static_cast<AtomIndex>(a))) {
      has.insertBack(i, a) = 1;
      bytes.insertBack(i, a) = atoms.bytes[static_cast<std::size_t>(a)];
    }
  }
  has.finalize();
  bytes.finalize();
  const Matrix product = bytes * has.transpose();
  std::vector<std::int64_t> overlap(std::size_t{atoms.num_images} * atoms.num_images, 0);
  for (std::int64_t column = 0; column < num_images; ++column) {
    for (Matrix::InnerIterator entry(product, column); entry; ++entry) {
      overlap[static_cast<std::size_t>(entry.row() * num_images + column)] = entry.value();
    }
  }
  return overlap;
}

}  // namespace gneiss
