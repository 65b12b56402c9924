// Drift: images that move from one version of a base to another, and the chains that this gives.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "planner/bases/lineages.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/layer_trie.h"

namespace gneiss {

struct Drift {
  LineageSign sign = LineageSign::kTwin;
  std::string lineage;           // its name
  std::vector<LayerIndex> from;  // the prefix they stand on
  std::vector<LayerIndex> to;    // the prefix to move to
  std::string from_name;         // ref, or digest of its last layer
  std::string to_name;
  // Where they also take the layers of a twin above that base: its ref; else empty. Then `from` and
  // `to` are the twins, `from_name` and `to_name` the bases.
  std::string twin_name;
  std::vector<ImageIndex> images;  // sorted
  // Upper layers unchanged. Of a plan's moves: what this one adds to those before it, so that over
  // all moves they sum to what the plan saves, and one of them alone may save nothing. Of a weak
  // suggestion: by this move alone.
  Bytes saves_storage_bytes = 0;
  Bytes saves_transfer_bytes = 0;
  Bytes saves_cost = 0;

  bool weak() const { return IsWeak(sign); }
};

// The chains after some images have moved.
class MovedChains {
 public:
  // Keeps a view of `fleet`, which must outlive it.
  explicit MovedChains(const Fleet& fleet) : fleet_(fleet), move_(fleet.images.size(), nullptr) {}

  // Moves the images of `drift`, which must outlive this. Throws std::logic_error when one has
  // moved already: an image moves once.
  void Move(const Drift& drift);

  // Valid until the next call.
  std::span<const LayerIndex> operator()(ImageIndex i);

 private:
  const Fleet& fleet_;
  std::vector<const Drift*> move_;
  std::vector<LayerIndex> buffer_;
};

// The common bases that a fleet has already: prefixes of chains that several images stand on.

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
