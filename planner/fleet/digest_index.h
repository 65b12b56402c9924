// Finds the position of a digest in an array of records that each hold one. Open addressing over
// 32-bit positions: 4 to 8 bytes a record beside the array itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "planner/fleet/digest_hash.h"

namespace gneiss {

// Invariant: slots_ holds position + 1, 0 for free; its size is a power of two and at least twice
// the number of positions inserted.
class DigestIndex {
 public:
  static constexpr std::uint32_t kAbsent = 0xffffffffU;

  // Position of `digest` among those inserted, or kAbsent. `digest_at(i)` yields the digest of
  // record i.
  template <typename DigestAt>
  std::uint32_t Find(const Digest& digest, const DigestAt& digest_at) const {
    if (slots_.empty()) return kAbsent;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t slot = DigestHash()(digest) & mask; slots_[slot] != 0;
         slot = (slot + 1) & mask) {
      if (digest_at(slots_[slot] - 1) == digest) return slots_[slot] - 1;
    }
    return kAbsent;
  }

  // Adds record `position`. REQUIRES: its digest is absent, and positions come as 0, 1, 2, ...
  template <typename DigestAt>
  void Insert(std::uint32_t position, const DigestAt& digest_at) {
    if (2 * (std::size_t{position} + 1) > slots_.size()) {
      slots_.assign(slots_.empty() ? 64 : 2 * slots_.size(), 0);
      for (std::uint32_t i = 0; i < position; ++i) Place(i, digest_at(i));
    }
    Place(position, digest_at(position));
  }

 private:
  void Place(std::uint32_t position, const Digest& digest) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = DigestHash()(digest) & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = position + 1;
  }

  std::vector<std::uint32_t> slots_;
};

}  // namespace gneiss
