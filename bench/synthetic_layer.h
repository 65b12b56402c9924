// A layer of a synthetic fleet, as the generator keeps it: a number from which its digests follow,
// and its size.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/seeded_random.h"
#include "bench/synthetic_names.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {

// Default constructed: the layer of nothing that docker wrote before 2016 for ENV, CMD and the
// like.
struct SyntheticBlob {
  std::uint64_t content = 0;  // 0 for the empty layer
  Bytes size = 32;
  std::uint32_t instruction = 0;
  LayerKind kind = LayerKind::kEmpty;
  bool oci = false;           // media type of OCI, not of docker
  bool recompressed = false;  // the twin: same diff_id, other digest
};

using SyntheticChain = std::vector<SyntheticBlob>;

enum class DigestKind : std::uint64_t { kBlob = 1, kTwin, kDiffId, kConfig, kManifest };

// Distinct for distinct (kind, number) of one seed.
[[nodiscard]] Digest MakeDigest(std::uint64_t seed, DigestKind kind, std::uint64_t number);

[[nodiscard]] Digest DigestOf(const SyntheticBlob& blob, std::uint64_t seed);
[[nodiscard]] Digest DiffIdOf(const SyntheticBlob& blob, std::uint64_t seed);

// The layer as another tool would compress it, somewhat smaller. A twin's twin is the twin.
[[nodiscard]] SyntheticBlob Recompressed(SyntheticBlob blob);

// What sets the sizes of a line's layers.
struct SizeTraits {
  Q16 deviation = 0;        // of the line, in standard deviations of the logarithm
  bool has_giants = false;  // holds models or data
};

// Size of a new layer of `kind` in a chain of `num_layers`. `lower`: in the part of the chain that
// is rebuilt now and then, where data is more often.
[[nodiscard]] Bytes DrawLayerSize(LayerKind kind, bool lower, std::uint32_t num_layers,
                                  const SizeTraits& traits, Random& random);

}  // namespace gneiss
