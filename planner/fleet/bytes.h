// Checked arithmetic on sizes. Sizes are bytes, int64, never negative; every sum whose terms come
// from outside goes through here, so that an overflow is an error and never a wrong report.
#pragma once

#include <cstdint>
#include <limits>

#include "planner/fleet/input_error.h"

namespace gneiss {

using Bytes = std::int64_t;

// Sizes above 2^53 do not survive JSON readers that use doubles; no registry holds such a blob.
inline constexpr Bytes kMaxBlobSize = Bytes{1} << 53;

// a + b. Throws InputError when the sum leaves int64.
[[nodiscard]] inline Bytes CheckedAdd(Bytes a, Bytes b) {
  Bytes sum;
  if (__builtin_add_overflow(a, b, &sum)) throw InputError("sum of sizes exceeds 2^63 bytes");
  return sum;
}

// a * b. Throws InputError when the product leaves int64.
[[nodiscard]] inline Bytes CheckedMultiply(Bytes a, Bytes b) {
  Bytes product;
  if (__builtin_mul_overflow(a, b, &product)) {
    throw InputError("product of a size and a count exceeds 2^63 bytes");
  }
  return product;
}

}  // namespace gneiss
