// Content digests as the OCI image spec writes them: "algorithm:encoded". A Digest is 32 bytes
// whatever its algorithm, so that tables of millions stay flat.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

}  // namespace gneiss
