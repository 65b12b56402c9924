// Content digests as the OCI image spec writes them: "algorithm:encoded". A Digest is 32 bytes
// whatever its algorithm, so that tables of millions stay flat.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "solver/hashing/seeded_hash.h"

namespace gneiss {

// The 32 bytes of a sha256; for any other algorithm the sha256 of the whole digest text, which is a
// key only: Fleet keeps the text, and content is never verified against it.
struct Digest {
  static constexpr std::size_t kBytes = 32;

  std::array<std::uint8_t, kBytes> bytes{};

  friend auto operator<=>(const Digest&, const Digest&) = default;
};

// What ParseDigest finds in a text.
struct ParsedDigest {
  Digest digest;
  bool verifiable = true;  // false: not sha256; `digest` is a key for the text
};

// Parses "sha256:<64 lower-case hex>" or any other digest of valid grammar (OCI image spec,
// descriptor.md#digests). nullopt when the grammar or the length of a registered algorithm
// (sha256, sha384, sha512) is wrong; callers say where it stood.
[[nodiscard]] std::optional<ParsedDigest> ParseDigest(std::string_view text);

// "sha256:<hex>". For a digest of another algorithm ask the Fleet for its text.
[[nodiscard]] std::string FormatDigest(const Digest& digest);

// SHA-256 of `data`.
[[nodiscard]] Digest Sha256(std::string_view data);

// Hashes of digests for hash tables, with the process's seed. Digests in manifests are claims, not
// hashes of anything, so all 32 bytes take part.

struct DigestHash {
  std::size_t operator()(const Digest& digest) const {
    std::array<std::uint64_t, Digest::kBytes / sizeof(std::uint64_t)> words;
    std::memcpy(words.data(), digest.bytes.data(), Digest::kBytes);
    return HashWords(words);
  }
};

// Finds the position of a digest in an array of records that each hold one. Open addressing over
// 32-bit positions: 4 to 8 bytes a record beside the array itself.

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
