#include "bench/synthetic_layer.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace gneiss {
namespace {

// Docker Hub's law of layer sizes (bench/fleet_shape.h): mean and deviation of the logarithm.
constexpr Q16 kSmallMu = ToQ16(7.03);
constexpr Q16 kSmallSigma = ToQ16(1.85);
constexpr Bytes kSmallCut = 100'000;
constexpr Q16 kLargeMu = ToQ16(16.42);
constexpr Q16 kLargeSigma = ToQ16(2.26);
constexpr Bytes kLargeCut = 9'000'000'000;
constexpr Bytes kSmallestLayer = 32;  // a gzipped tar of nothing

// Fitted, so that sizes of whole images come near Docker Hub's. Roots are of one size more or less.
constexpr Q16 kRootMu = ToQ16(17.15);
constexpr Q16 kRootSigma = ToQ16(.7);
// What of a layer's deviation is its line's, and what its own; squares sum to 1.
constexpr Q16 kLineWeight = ToQ16(.5);
constexpr Q16 kOwnWeight = ToQ16(.866);
// Layers beyond this deviation, from 980 MB, are in few lines, and there in about as many slots as
// these numbers say.
constexpr Q16 kGiant = ToQ16(1.8);
constexpr std::uint32_t kGiantsLower = 7;
constexpr std::uint32_t kGiantsUpper = 6;

constexpr Digest FromHex(std::string_view hex) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  Digest digest;
  for (std::size_t i = 0; i < 32; ++i) {
    digest.bytes[i] = static_cast<std::uint8_t>(value(hex[2 * i]) * 16 + value(hex[2 * i + 1]));
  }
  return digest;
}

// 1 KiB of zeros, and these gzipped by docker.
constexpr Digest kEmptyDiffId =
    FromHex("5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
constexpr Digest kEmptyDigest =
    FromHex("a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4");

Q16 DrawLargeDeviation(bool lower, std::uint32_t num_layers, const SizeTraits& traits,
                       Random& random) {
  const std::uint32_t giants = lower ? kGiantsLower : kGiantsUpper;
  const bool giant = traits.has_giants && random.Below(num_layers) < giants;
  while (true) {
    const Q16 own = random.Normal();
    if (giant && own > kGiant) return own;
    const Q16 deviation = (kLineWeight * traits.deviation + kOwnWeight * own) >> 16;
    if (!giant && deviation <= kGiant) return deviation;
  }
}

}  // namespace

Digest MakeDigest(std::uint64_t seed, DigestKind kind, std::uint64_t number) {
  // The first word is a bijection of number.
  std::uint64_t word = Mix64(seed ^ (static_cast<std::uint64_t>(kind) << 56));
  Digest digest;
  for (std::size_t i = 0; i < 32; i += 8) {
    word = Mix64(word + number * 0x9e3779b97f4a7c15ULL + i);
    for (std::size_t j = 0; j < 8; ++j) {
      digest.bytes[i + j] = static_cast<std::uint8_t>(word >> (8 * j));
    }
  }
  return digest;
}

Digest DigestOf(const SyntheticBlob& blob, std::uint64_t seed) {
  if (blob.kind == LayerKind::kEmpty) return kEmptyDigest;
  return MakeDigest(seed, blob.recompressed ? DigestKind::kTwin : DigestKind::kBlob, blob.content);
}

Digest DiffIdOf(const SyntheticBlob& blob, std::uint64_t seed) {
  if (blob.kind == LayerKind::kEmpty) return kEmptyDiffId;
  return MakeDigest(seed, DigestKind::kDiffId, blob.content);
}

SyntheticBlob Recompressed(SyntheticBlob blob) {
  if (blob.recompressed || blob.kind == LayerKind::kEmpty) return blob;
  const auto percent = static_cast<Bytes>(Mix64(~blob.content) % 16);
  blob.recompressed = true;
  blob.oci = true;
  blob.size = std::max(kSmallestLayer, blob.size - blob.size / 100 * percent);
  return blob;
}

Bytes DrawLayerSize(LayerKind kind, bool lower, std::uint32_t num_layers, const SizeTraits& traits,
                    Random& random) {
  while (true) {
    Q16 log_size = 0;
    Bytes cut = kLargeCut;
    switch (kind) {
      case LayerKind::kEmpty:
        return SyntheticBlob{}.size;
      case LayerKind::kSmall:
        log_size = kSmallMu + (kSmallSigma * random.Normal() >> 16);
        cut = kSmallCut;
        break;
      case LayerKind::kRootfs:
        log_size = kRootMu + (kRootSigma * random.Normal() >> 16);
        break;
      case LayerKind::kLarge:
        log_size =
            kLargeMu + (kLargeSigma * DrawLargeDeviation(lower, num_layers, traits, random) >> 16);
        break;
    }
    const auto size = static_cast<Bytes>(Exp(log_size));
    if (size >= kSmallestLayer && size < cut) return size;
  }
}

}  // namespace gneiss
