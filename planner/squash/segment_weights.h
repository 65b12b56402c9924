// What segments weigh for solver/chain_partition when the contents of layers are known (design.md
// 5.1): the definition of merged_size.h, for all segments of a trie from one walk over it.
//
// Segment (a, v] keeps of each of its layers l what no layer in (a, v] hides up to v. What hides an
// entry does so in every segment that has both, whatever lies below: so for every node the walk
// notes how many bytes it hides of each layer above, as the overlay reports them, and
//     w(a, v) = least overhead + sum over l in (a, v] of (bytes of l - what nodes up to v hide of
//     l)
// is a sum over the way from v up. Markers have bytes of their own that count where something can
// lie below, and that what covers them hides.
//
// Layers whose contents are not known are left out of the walk; segments with one weigh the sum of
// the layers' sizes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/contents/overlay.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/layer_trie.h"
#include "solver/chains/chain_partition.h"

namespace gneiss {

class ContentWeights : public SegmentWeights {
 public:
  // Keeps a view of the trie, which may be one of some of the fleet's images. REQUIRES: `contents`
  // has the fleet's layers. Time O(log of the markers in a chain for each of: entries over the
  // nodes of the trie, and what they hide), space O(paths + layers + the layers of each node that
  // it hides something of).
  ContentWeights(const Fleet& fleet, const LayerTrie& trie, const LayerContents& contents);

  // What the merged file systems show that is odd, each place of a layer on the trie for itself;
  // without a bad link.
  const OverlayWarnings& warnings() const { return warnings_; }

  // Time O(depth + what the nodes above note). Not for two threads at once.
  void Fill(NodeIndex v, std::span<std::int64_t> weights) const override;

 private:
  // Of one layer; contents apart from markers.
  struct LayerBytes {
    Bytes stored = 0;  // the blob as it is, 0 where it is not ours
    Bytes entries = 0;
    Bytes markers = 0;
    Bytes overhead = 0;
    bool known = false;
    bool is_first = false;  // of every chain
  };
  // What a node hides of the layer at a depth on the way to it.
  struct HiddenBytes {
    std::uint32_t depth = 0;
    Bytes entries = 0;
    Bytes markers = 0;
  };
  class Walk;

  const LayerTrie& trie_;
  std::vector<LayerBytes> layers_;
  std::vector<std::uint64_t> first_hidden_;  // per node, and one past the end
  std::vector<HiddenBytes> hidden_;
  OverlayWarnings warnings_;
  mutable std::vector<HiddenBytes> seen_;  // scratch of Fill: what is left of each depth
};

}  // namespace gneiss
