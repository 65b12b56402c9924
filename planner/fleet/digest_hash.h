// Hashes of digests for hash tables, with the process's seed. Digests in manifests are claims, not
// hashes of anything, so all 32 bytes take part.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "planner/fleet/digest.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {

struct DigestHash {
  std::size_t operator()(const Digest& digest) const {
    std::array<std::uint64_t, Digest::kBytes / sizeof(std::uint64_t)> words;
    std::memcpy(words.data(), digest.bytes.data(), Digest::kBytes);
    return HashWords(words);
  }
};

}  // namespace gneiss
