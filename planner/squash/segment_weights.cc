#include "planner/squash/segment_weights.h"

#include <algorithm>
#include <compare>
#include <set>
#include <utility>

#include "planner/contents/merged_size.h"
#include "planner/contents/overlay.h"

namespace gneiss {

// Visits the nodes in preorder and notes what each hides.
class ContentWeights::Walk {
 public:
  Walk(const LayerTrie& trie, const LayerContents& contents, const std::vector<LayerBytes>& layers)
      : trie_(trie), contents_(contents), layers_(layers), overlay_(contents.paths) {
    NumberPaths();
  }

  // Appends to `hidden` what node v hides. REQUIRES: called for all nodes in order.
  void Visit(NodeIndex v, std::vector<HiddenBytes>& hidden) {
    while (!open_.empty() && v >= trie_.subtree_end[open_.back().node]) Leave();
    const LayerIndex l = trie_.layer[v];
    const bool known = layers_[l].known;
    open_.push_back({v, known, markers_.size(), covered_.size()});
    at_depth_.resize(std::max<std::size_t>(at_depth_.size(), trie_.depth[v] + std::size_t{1}));
    if (!known) return;
    const Inventory& inventory = *contents_.inventories[l];
    const LayerPaths& paths = contents_.layer_paths[l];
    // Known to the overlay by depth: a chain may have a layer more than once.
    hidings_.clear();
    overlay_.Push({.layer = trie_.depth[v],
                   .inventory = &inventory,
                   .paths = &paths,
                   .is_over_others = trie_.depth[v] > 1},
                  hidings_);
    for (const Hiding& hiding : hidings_) {
      if (hiding.cause == HideCause::kNothingDeleted) continue;
      const std::uint32_t depth = hiding.hidden.layer;
      const LayerIndex of = trie_.layer[open_[depth - 1].node];
      Note(depth).entries +=
          contents_.NewBytes(of, contents_.inventories[of]->entries[hiding.hidden.entry]);
    }
    TakeWarnings();
    CoverMarkers(inventory, paths);
    AddMarkers(v, inventory, paths);
    for (const std::uint32_t depth : touched_) {
      hidden.push_back(std::exchange(at_depth_[depth], {}));
    }
    touched_.clear();
  }

  // With layers as the fleet numbers them.
  const OverlayWarnings& warnings() const { return warnings_; }

 private:
  // A whiteout or an opaque marker of the chain.
  struct Marker {
    std::uint32_t place = 0;  // of its path
    std::uint32_t depth = 0;
    Bytes bytes = 0;
    bool is_opaque = false;
  };
  // Of one that nothing covers yet; of one place whiteouts come first.
  struct LiveMarker {
    std::uint32_t place = 0;
    bool is_opaque = false;
    std::uint32_t marker = 0;  // into markers_

    friend auto operator<=>(const LiveMarker&, const LiveMarker&) = default;
  };
  struct Open {
    NodeIndex node = 0;
    bool is_pushed = false;
    std::size_t num_markers = 0;
    std::size_t num_covered = 0;
  };

  // The overlay knows layers by their depth in the chain of the moment.
  void TakeWarnings() {
    const OverlayWarnings before = std::exchange(warnings_, overlay_.warnings());
    const auto take = [&](EntryRef OverlayWarnings::*ref, std::int64_t OverlayWarnings::*count) {
      EntryRef& last = warnings_.*ref;
      if (warnings_.*count == before.*count) {
        last = before.*ref;
      } else if (last.layer != kNone) {
        last.layer = trie_.layer[open_[last.layer - 1].node];
      }
    };
    warnings_.bad_link = {};
    take(&OverlayWarnings::replaced_symlink, &OverlayWarnings::replaced_symlinks);
    take(&OverlayWarnings::unlisted_parent, &OverlayWarnings::unlisted_parents);
  }

  HiddenBytes& Note(std::uint32_t depth) {
    HiddenBytes& bytes = at_depth_[depth];
    if (std::exchange(bytes.depth, depth) != depth) touched_.push_back(depth);
    return bytes;
  }

  void Leave() {
    const Open& left = open_.back();
    if (left.is_pushed) overlay_.Pop();
    for (; covered_.size() > left.num_covered; covered_.pop_back()) live_.insert(covered_.back());
    for (; markers_.size() > left.num_markers; markers_.pop_back()) {
      live_.erase(LiveOf(static_cast<std::uint32_t>(markers_.size() - 1)));
    }
    open_.pop_back();
  }

  // Numbers paths so that those below one follow it.
  void NumberPaths() {
    const PathTree& paths = contents_.paths;
    const auto n = static_cast<PathIndex>(paths.size());
    std::vector<std::uint32_t> num_below(n, 1);  // with the path itself
    for (PathIndex path = n; path-- > 1;) num_below[paths.parent(path)] += num_below[path];
    place_.resize(n);
    end_.resize(n);
    std::vector<std::uint32_t> next(n);  // place for the next child
    for (PathIndex path = 0; path < n; ++path) {
      if (path != kRootPath) {
        place_[path] = next[paths.parent(path)];
        next[paths.parent(path)] += num_below[path];
      }
      next[path] = place_[path] + 1;
      end_[path] = place_[path] + num_below[path];
    }
  }

  LiveMarker LiveOf(std::uint32_t marker) const {
    return {markers_[marker].place, markers_[marker].is_opaque, marker};
  }

  // Takes what a layer covers of the markers below it out of live_.
  void CoverMarkers(const Inventory& inventory, const LayerPaths& paths) {
    for (std::uint32_t e = 0; e < inventory.entries.size() && !live_.empty(); ++e) {
      const EntryType type = inventory.entries[e].type;
      if (type == EntryType::kDirectory || paths.superseded_by[e] != kNone) continue;
      const PathIndex path = paths.path[e];
      const bool is_opaque = type == EntryType::kOpaque;
      // The root can neither be a file nor hide anything.
      if (path == kRootPath) continue;
      // An opaque marker leaves a whiteout of its own path.
      const auto begin = live_.lower_bound({.place = place_[path], .is_opaque = is_opaque});
      auto end = begin;
      for (; end != live_.end() && end->place < end_[path]; ++end) {
        const Marker& marker = markers_[end->marker];
        covered_.push_back(*end);
        Note(marker.depth).markers += marker.bytes;
      }
      live_.erase(begin, end);
    }
  }

  void AddMarkers(NodeIndex v, const Inventory& inventory, const LayerPaths& paths) {
    for (std::uint32_t e = 0; e < inventory.entries.size(); ++e) {
      const Entry& entry = inventory.entries[e];
      const bool is_opaque = entry.type == EntryType::kOpaque;
      if (!IsMarkerEntry(entry.type) || paths.superseded_by[e] != kNone) continue;
      const Bytes bytes = contents_.NewBytes(trie_.layer[v], entry);
      markers_.push_back({place_[paths.path[e]], trie_.depth[v], bytes, is_opaque});
      live_.insert(LiveOf(static_cast<std::uint32_t>(markers_.size() - 1)));
    }
  }

  const LayerTrie& trie_;
  const LayerContents& contents_;
  const std::vector<LayerBytes>& layers_;
  Overlay overlay_;
  std::vector<Open> open_;
  std::vector<Hiding> hidings_;
  std::vector<std::uint32_t> place_;  // per path
  std::vector<std::uint32_t> end_;    // per path: one past the places of those below
  std::vector<Marker> markers_;       // of the chain, lower layers first
  std::set<LiveMarker> live_;
  std::vector<LiveMarker> covered_;  // by layers of the chain, lower ones first
  std::vector<HiddenBytes> at_depth_;
  std::vector<std::uint32_t> touched_;  // depths
  OverlayWarnings warnings_;
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
  warnings_ = walk.warnings();
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
