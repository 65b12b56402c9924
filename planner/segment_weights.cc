#include "planner/segment_weights.h"

#include <algorithm>
#include <utility>

#include "planner/merged_size.h"
#include "planner/overlay.h"

namespace gneiss {

// Visits the nodes in preorder and notes what each hides.
class ContentWeights::Walk {
 public:
  Walk(const LayerTrie& trie, const LayerContents& contents, const std::vector<LayerBytes>& layers)
      : trie_(trie),
        contents_(contents),
        layers_(layers),
        overlay_(contents.paths),
        covered_(contents.paths.size()) {}

  // Appends to `hidden` what node v hides. REQUIRES: called for all nodes in order.
  void Visit(NodeIndex v, std::vector<HiddenBytes>& hidden) {
    while (!open_.empty() && v >= trie_.subtree_end[open_.back().node]) Leave();
    const LayerIndex l = trie_.layer[v];
    const bool known = layers_[l].known;
    open_.push_back({v, known, markers_.size(), covered_markers_.size()});
    at_depth_.resize(std::max<std::size_t>(at_depth_.size(), trie_.depth[v] + std::size_t{1}));
    if (!known) return;
    const Inventory& inventory = *contents_.inventories[l];
    const LayerPaths& paths = contents_.layer_paths[l];
    // Known to the overlay by depth: a chain may have a layer more than once.
    hidings_.clear();
    overlay_.Push({.layer = trie_.depth[v], .inventory = &inventory, .paths = &paths}, hidings_);
    for (const Hiding& hiding : hidings_) {
      if (hiding.cause == HideCause::kNothingDeleted) continue;
      const std::uint32_t depth = hiding.hidden.layer;
      const LayerIndex of = trie_.layer[open_[depth - 1].node];
      Note(depth).entries +=
          contents_.NewBytes(of, contents_.inventories[of]->entries[hiding.hidden.entry]);
    }
    CoverMarkers(v, inventory, paths);
    for (const std::uint32_t depth : touched_) {
      hidden.push_back(std::exchange(at_depth_[depth], {}));
    }
    touched_.clear();
  }

 private:
  // A whiteout or an opaque marker of the chain.
  struct LiveMarker {
    PathIndex path = kRootPath;
    std::uint32_t depth = 0;
    Bytes bytes = 0;
    bool is_opaque = false;
    bool is_covered = false;
  };
  // What a layer has at a path that may cover markers; of the node `node` only.
  struct Cover {
    NodeIndex node = kNoNode;
    bool is_whiteout = false;
    bool is_opaque = false;
    bool is_file = false;
  };
  struct Open {
    NodeIndex node = 0;
    bool is_pushed = false;
    std::size_t num_markers = 0;
    std::size_t num_covered = 0;
  };

  HiddenBytes& Note(std::uint32_t depth) {
    HiddenBytes& bytes = at_depth_[depth];
    if (std::exchange(bytes.depth, depth) != depth) touched_.push_back(depth);
    return bytes;
  }

  void Leave() {
    const Open& left = open_.back();
    if (left.is_pushed) overlay_.Pop();
    for (; covered_markers_.size() > left.num_covered; covered_markers_.pop_back()) {
      markers_[covered_markers_.back()].is_covered = false;
    }
    markers_.resize(left.num_markers);
    open_.pop_back();
  }

  void CoverMarkers(NodeIndex v, const Inventory& inventory, const LayerPaths& paths) {
    const bool has_below = !markers_.empty();
    const std::size_t num_below = markers_.size();
    for (std::uint32_t e = 0; e < inventory.entries.size(); ++e) {
      const Entry& entry = inventory.entries[e];
      const PathIndex path = paths.path[e];
      const bool is_opaque = entry.type == EntryType::kOpaque;
      const bool is_whiteout = entry.type == EntryType::kWhiteout;
      if (paths.superseded_by[e] != kNone) continue;
      if (is_opaque || is_whiteout) {
        const Bytes bytes = contents_.NewBytes(trie_.layer[v], entry);
        markers_.push_back({path, trie_.depth[v], bytes, is_opaque});
      }
      if (!has_below || entry.type == EntryType::kDirectory) continue;
      Cover& cover = covered_[path];
      if (cover.node != v) cover = {.node = v};
      cover.is_opaque |= is_opaque && path != kRootPath;
      cover.is_whiteout |= is_whiteout;
      cover.is_file |= !is_opaque && !is_whiteout && path != kRootPath;
    }
    for (std::uint32_t m = 0; m < num_below; ++m) {
      LiveMarker& marker = markers_[m];
      if (marker.is_covered || !Covers(v, marker)) continue;
      marker.is_covered = true;
      covered_markers_.push_back(m);
      Note(marker.depth).markers += marker.bytes;
    }
  }

  bool Covers(NodeIndex v, const LiveMarker& marker) const {
    const Cover& here = covered_[marker.path];
    if (here.node == v &&
        (here.is_whiteout || here.is_file || (marker.is_opaque && here.is_opaque))) {
      return true;
    }
    for (PathIndex path = marker.path; path != kRootPath;) {
      path = contents_.paths.parent(path);
      const Cover& above = covered_[path];
      if (above.node == v && (above.is_whiteout || above.is_file || above.is_opaque)) return true;
    }
    return false;
  }

  const LayerTrie& trie_;
  const LayerContents& contents_;
  const std::vector<LayerBytes>& layers_;
  Overlay overlay_;
  std::vector<Open> open_;
  std::vector<Hiding> hidings_;
  std::vector<Cover> covered_;       // per path
  std::vector<LiveMarker> markers_;  // of the chain, lower layers first
  std::vector<std::uint32_t> covered_markers_;
  std::vector<HiddenBytes> at_depth_;
  std::vector<std::uint32_t> touched_;  // depths
};

ContentWeights::ContentWeights(const Fleet& fleet, const LayerTrie& trie,
                               const LayerContents& contents)
    : trie_(trie), layers_(fleet.layers.size()) {
  const std::vector<std::uint8_t> is_first = FindFirstLayers(fleet);
  for (LayerIndex l = 0; l < layers_.size(); ++l) {
    LayerBytes& layer = layers_[l];
    const bool foreign = fleet.layers[l].foreign;
    layer.stored = foreign ? 0 : fleet.layers[l].size;
    layer.is_first = is_first[l] != 0;
    if (foreign || !contents.inventories[l]) continue;
    layer.known = true;
    layer.overhead = contents.inventories[l]->overhead_bytes;
    const std::vector<Entry>& entries = contents.inventories[l]->entries;
    for (std::uint32_t e = 0; e < entries.size(); ++e) {
      const bool is_marker = IsMarkerEntry(entries[e].type);
      // The overlay does not tell of markers that their own layer undoes.
      if (is_marker && contents.layer_paths[l].superseded_by[e] != kNone) continue;
      (is_marker ? layer.markers : layer.entries) += contents.NewBytes(l, entries[e]);
    }
  }
  Walk walk(trie, contents, layers_);
  first_hidden_.push_back(0);
  for (NodeIndex v = 0; v < trie.size(); ++v) {
    walk.Visit(v, hidden_);
    first_hidden_.push_back(hidden_.size());
  }
}

void ContentWeights::Fill(NodeIndex v, std::span<std::int64_t> weights) const {
  const std::uint32_t bottom = trie_.depth[v];
  seen_.assign(bottom + std::size_t{1}, {});
  Bytes stored = 0;
  Bytes entries = 0;
  Bytes markers = 0;
  Bytes overhead = 0;
  bool known = true;
  for (NodeIndex u = v; u != kNoNode; u = trie_.parent[u]) {
    const LayerBytes& layer = layers_[trie_.layer[u]];
    const std::uint32_t depth = trie_.depth[u];
    for (std::uint64_t h = first_hidden_[u]; h < first_hidden_[u + 1]; ++h) {
      seen_[hidden_[h].depth].entries -= hidden_[h].entries;
      seen_[hidden_[h].depth].markers -= hidden_[h].markers;
    }
    known = known && layer.known;
    stored += layer.stored;
    entries += layer.entries + seen_[depth].entries;
    markers += layer.markers + seen_[depth].markers;
    overhead = depth == bottom ? layer.overhead : std::min(overhead, layer.overhead);
    const bool is_one = depth == bottom;
    weights[depth - 1] =
        is_one || !known ? stored : overhead + entries + (layer.is_first ? 0 : markers);
  }
}

}  // namespace gneiss
