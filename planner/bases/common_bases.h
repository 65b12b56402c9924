// The common bases that a fleet has already: prefixes of chains that several images stand on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/fleet/fleet.h"
#include "planner/fleet/layer_trie.h"

namespace gneiss {

// A chain prefix that is an image with others above it, or where chains part.
struct CommonBase {
  NodeIndex node = 0;  // in the trie of the whole fleet
  std::uint32_t num_layers = 0;
  Bytes size = 0;                    // of the whole prefix
  std::string name;                  // its first ref, else the digest of its last layer
  std::vector<ImageIndex> versions;  // images that are exactly this prefix; empty for a fork
  std::int64_t num_images = 0;       // that stand on it, itself included
  std::int64_t num_repositories = 0;
  Bytes saves_storage_bytes =
      0;  // against each image storing what this base adds to the base below it
};

// Largest saving first, the thousand largest. Throws InputError on overflow. REQUIRES: `trie` is of
// all images.
[[nodiscard]] std::vector<CommonBase> FindCommonBases(const Fleet& fleet, const LayerTrie& trie);

}  // namespace gneiss
