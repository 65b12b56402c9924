#include "planner/contents/unwritable_images.h"

#include <algorithm>
#include <string_view>

#include "planner/contents/overlay.h"
#include "planner/fleet/layer_trie.h"

namespace gneiss {
namespace {

// Paths at which some layer has what directories that are not listed may take something from.
class AttributeSources {
 public:
  explicit AttributeSources(const LayerContents& contents)
      : contents_(contents), found_(contents.paths.size(), 0) {
    for (LayerIndex l = 0; l < contents.inventories.size(); ++l) {
      if (!contents.inventories[l]) continue;
      const std::vector<Entry>& entries = contents.inventories[l]->entries;
      for (std::uint32_t e = 0; e < entries.size(); ++e) {
        const EntryType type = entries[e].type;
        const bool is_link = type == EntryType::kSymlink || type == EntryType::kHardLink;
        const bool is_setgid = type == EntryType::kDirectory && (entries[e].mode & 02000) != 0;
        found_[contents.layer_paths[l].path[e]] |=
            (is_link ? kLink : 0) | (is_setgid ? kSetgid : 0);
      }
    }
  }

  // Of an implied directory: its parent gives its group, or a link leads elsewhere.
  bool MayReach(PathIndex path) const {
    if (path == kRootPath) return false;
    if ((found_[contents_.paths.parent(path)] & kSetgid) != 0) return true;
    for (; path != kRootPath; path = contents_.paths.parent(path)) {
      if ((found_[path] & kLink) != 0) return true;
    }
    return false;
  }

 private:
  static constexpr int kLink = 1;
  static constexpr int kSetgid = 2;

  const LayerContents& contents_;
  std::vector<std::uint8_t> found_;  // by path
};

// One walk over the trie: which images show a directory whose attributes no entry has.
class MadeUpDirectories {
 public:
  MadeUpDirectories(const LayerContents& contents, const LayerTrie& trie)
      : contents_(contents),
        trie_(trie),
        overlay_(contents.paths),
        is_odd_(contents.paths.size()) {}

  // Sets 1 for them.
  void Run(std::vector<std::uint8_t>& images) {
    struct Open {
      NodeIndex node;
      std::size_t num_undo;
      bool is_pushed;
    };
    std::vector<Open> open;
    std::vector<Hiding> hidden;
    for (NodeIndex v = 0; v < trie_.size(); ++v) {
      while (!open.empty() && v >= trie_.subtree_end[open.back().node]) {
        if (open.back().is_pushed) overlay_.Pop();
        for (; undo_.size() > open.back().num_undo; undo_.pop_back()) Flip(undo_.back());
        open.pop_back();
      }
      const LayerIndex l = trie_.layer[v];
      open.push_back({v, undo_.size(), contents_.inventories[l].has_value()});
      if (open.back().is_pushed) {
        hidden.clear();
        overlay_.Push({.layer = l,
                       .inventory = &*contents_.inventories[l],
                       .paths = &contents_.layer_paths[l],
                       .is_over_others = trie_.depth[v] > 1},
                      hidden);
        overlay_.ForEachTouched([&](PathIndex path) { Look(path); });
      }
      if (num_odd_ == 0) continue;
      for (const ImageIndex i : trie_.images_ending(v)) images[i] = 1;
    }
  }

 private:
  void Look(PathIndex path) {
    const bool is_odd = overlay_.IsDirectory(path) && !overlay_.AttributesAt(path).is_listed;
    if (is_odd == (is_odd_[path] != 0)) return;
    Flip(path);
    undo_.push_back(path);
  }
  void Flip(PathIndex path) {
    is_odd_[path] ^= 1U;
    num_odd_ += is_odd_[path] != 0 ? 1 : -1;
  }

  const LayerContents& contents_;
  const LayerTrie& trie_;
  Overlay overlay_;
  std::vector<std::uint8_t> is_odd_;  // by path
  std::vector<PathIndex> undo_;
  std::int64_t num_odd_ = 0;
};

// Times that have a sign only in their fraction, and none at all.
bool IsUnwritableTime(const Entry& entry) {
  return (entry.mtime == -1 && entry.mtime_nsec > 0) || !HasTime(entry);
}

}  // namespace

std::vector<std::uint8_t> FindUnwritableImages(const Fleet& fleet, const LayerContents& contents) {
  const AttributeSources sources(contents);
  std::vector<std::uint8_t> has_odd_time(fleet.layers.size(), 0);
  std::vector<std::uint8_t> may_be_made_up(fleet.layers.size(), 0);
  for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
    if (!contents.inventories[l]) continue;
    for (const InventoryWarning& warning : contents.inventories[l]->warnings) {
      if (warning.kind == kUnlistedTimeWarning) has_odd_time[l] = 1;
    }
    const std::vector<Entry>& entries = contents.inventories[l]->entries;
    for (std::uint32_t e = 0; e < entries.size(); ++e) {
      if (IsUnwritableTime(entries[e])) has_odd_time[l] = 1;
      const bool has_xattrs = entries[e].type == EntryType::kDirectory && entries[e].xattrs != 0;
      const bool may_take = entries[e].implied && sources.MayReach(contents.layer_paths[l].path[e]);
      if (may_take || has_xattrs) may_be_made_up[l] = 1;
    }
  }
  const auto has = [&](ImageIndex i, const std::vector<std::uint8_t>& layers) {
    return std::ranges::any_of(fleet.chain(fleet.images[i]),
                               [&](LayerIndex l) { return layers[l] != 0; });
  };
  std::vector<std::uint8_t> unwritable(fleet.images.size(), 0);
  bool any_made_up = false;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const auto chain = fleet.chain(fleet.images[i]);
    const bool deletes_its_own =
        !chain.empty() && !contents.layer_paths[chain.front()].superseded_if_lowest.empty();
    const bool is_misread = contents.FindMisread(chain).has_value();
    if (deletes_its_own || is_misread || has(i, has_odd_time)) unwritable[i] = 1;
    any_made_up = any_made_up || has(i, may_be_made_up);
  }
  if (!any_made_up) return unwritable;
  const LayerTrie trie =
      BuildLayerTrie(fleet, [&](ImageIndex i) { return has(i, may_be_made_up); });
  MadeUpDirectories(contents, trie).Run(unwritable);
  return unwritable;
}

}  // namespace gneiss
