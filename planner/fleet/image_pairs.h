// Which image of one fleet is which of another: by what they are called and for which platform,
// whatever their layers are.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// The tag alone of a ref in one of `repositories`, else the ref.
[[nodiscard]] std::string_view WithoutRepository(std::string_view ref,
                                                 std::span<const std::string> repositories);

struct PairingSide {
  const Fleet& fleet;
  // Of each image a hash of what a rewrite of its layers leaves alone, so that images of one name
  // are told apart.
  std::span<const Digest> fingerprints;
  // Repositories that only say where the fleet was read from (ReadOciLayout): of refs that have
  // such a one and no namesake on the other side, the tag alone counts.
  std::span<const std::string> repositories = {};
};

enum class PairBy {
  kRef,       // and platform
  kPlatform,  // alone: each side is what the user chose
};

struct ImagePair {
  ImageIndex left = kNone;
  ImageIndex right = kNone;
  std::vector<std::string> refs;  // on the left, sorted; empty for images without
};

// An image with refs that the other side has no image for; it may be in pairs by others.
struct UnpairedImage {
  ImageIndex image = kNone;
  std::vector<std::string> refs;
};

struct ImagePairs {
  std::vector<ImagePair> pairs;           // each once, by left, then right
  std::vector<UnpairedImage> only_left;   // by image
  std::vector<UnpairedImage> only_right;  // by image; without new_bases
  std::vector<ImageIndex> new_bases;      // of the right
};

// Refs are the same in any spelling that docker takes for one (CanonicalRef); an image that is
// called so twice is there once, by the first of its spellings.
//
// Of several images with one ref and platform those of equal manifests are a pair, then those of
// equal fingerprints, then the rest in their order; images without a ref, which say nothing else of
// themselves, only when they are alone.
//
// A new base is an image of the right, with refs that the left has no image for, that an image of a
// pair, or another new base, names as its base (org.opencontainers.image.base.digest) and whose
// layers it begins with.
//
// REQUIRES: fingerprints parallel to images. Time O(refs log refs).
[[nodiscard]] ImagePairs PairImages(const PairingSide& left, const PairingSide& right, PairBy by);

}  // namespace gneiss
