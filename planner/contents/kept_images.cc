#include "planner/contents/kept_images.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include <fmt/format.h>

#include "planner/contents/overlay.h"
#include "planner/contents/paths.h"
#include "planner/fleet/layer_trie.h"
#include "planner/fleet/platform.h"

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

namespace {

// Whether a layer has `name`, one component, at its root or anything below it.
bool HasAtRoot(const Inventory& inventory, std::string_view name) {
  const auto found = std::ranges::lower_bound(
      inventory.entries, name,
      [](std::string_view a, std::string_view b) { return ComparePaths(a, b) < 0; },
      [&](const Entry& entry) { return inventory.path(entry); });
  if (found == inventory.entries.end()) return false;
  const std::string_view path = inventory.path(*found);
  return path == name || (path.starts_with(name) && path[name.size()] == '/');
}

// Per image, 1: of those that `included` has, the ones that standalone layers leave with more than
// `max_layers`. Images are cut alike as far as their chains are alike, so that a layer which stays
// by itself in one is a boundary in all that have its parent.
std::vector<std::uint8_t> FindTooManyLayers(const Fleet& fleet, std::uint32_t max_layers,
                                            std::span<const std::uint8_t> standalone,
                                            const std::function<bool(ImageIndex)>& included) {
  std::vector<std::uint8_t> too_many(fleet.images.size(), 0);
  const bool may_be = std::ranges::any_of(
      fleet.images, [&](const Image& image) { return image.num_layers > max_layers; });
  if (!may_be || std::ranges::find(standalone, 1) == standalone.end()) return too_many;
  const LayerTrie trie = BuildLayerTrie(fleet, included);
  std::vector<std::uint8_t> is_boundary(trie.size(), 0);
  for (NodeIndex v = 0; v < trie.size(); ++v) {
    if (standalone[trie.layer[v]] == 0) continue;
    is_boundary[v] = 1;
    if (trie.parent[v] != kNoNode) is_boundary[trie.parent[v]] = 1;
  }
  std::vector<std::uint32_t> fewest(trie.size(), 1);  // segments down to each node
  for (NodeIndex v = 0; v < trie.size(); ++v) {
    const NodeIndex up = trie.parent[v];
    if (up != kNoNode) fewest[v] = fewest[up] + is_boundary[up];
    if (fewest[v] <= max_layers) continue;
    for (const ImageIndex i : trie.images_ending(v)) too_many[i] = 1;
  }
  return too_many;
}

}  // namespace

std::vector<std::uint8_t> FindWindowsImages(const Fleet& fleet, const LayerContents* contents) {
  std::vector<std::uint8_t> has_files(fleet.layers.size(), 0);
  std::vector<std::uint8_t> has_hives(fleet.layers.size(), 0);
  for (LayerIndex l = 0; contents != nullptr && l < fleet.layers.size(); ++l) {
    if (!contents->inventories[l]) continue;
    has_files[l] = HasAtRoot(*contents->inventories[l], "Files") ? 1 : 0;
    has_hives[l] = HasAtRoot(*contents->inventories[l], "Hives") ? 1 : 0;
  }
  std::vector<std::uint8_t> is_windows(fleet.images.size(), 0);
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    const auto has = [&](const std::vector<std::uint8_t>& layers) {
      return std::ranges::any_of(fleet.chain(image), [&](LayerIndex l) { return layers[l] != 0; });
    };
    is_windows[i] = image.is_windows || (has(has_files) && has(has_hives)) ? 1 : 0;
  }
  return is_windows;
}

std::vector<std::uint8_t> MatchPins(const Fleet& fleet, const std::vector<std::string>& patterns) {
  std::vector<std::uint8_t> pinned(fleet.images.size(), 0);
  for (const std::string& pattern : patterns) {
    bool matched = false;
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      for (const TextIndex ref : fleet.refs_of(fleet.images[i])) {
        if (fnmatch(pattern.c_str(), std::string(fleet.text(ref)).c_str(), 0) != 0) continue;
        pinned[i] = 1;
        matched = true;
      }
    }
    if (matched) continue;
    throw InputError(fmt::format(
        "--pin '{}' matches no ref of the fleet; expected a shell pattern over whole refs, such as "
        "'{}'",
        pattern,
        fleet.refs.empty() ? "repository:*" : std::string(fleet.text(fleet.refs.front()))));
  }
  return pinned;
}

bool IsRewritable(std::string_view media_type) {
  constexpr std::array<std::string_view, 7> kTars = {
      "",  // not given
      "application/vnd.oci.image.layer.v1.tar",
      "application/vnd.oci.image.layer.v1.tar+gzip",
      "application/vnd.oci.image.layer.v1.tar+zstd",
      "application/vnd.docker.image.rootfs.diff.tar",
      "application/vnd.docker.image.rootfs.diff.tar.gzip",
      "application/vnd.docker.image.rootfs.diff.tar.zstd"};
  return std::ranges::find(kTars, media_type) != kTars.end();
}

std::vector<std::uint8_t> FindStandaloneLayers(const Fleet& fleet, const LayerContents* contents) {
  std::vector<std::uint8_t> standalone(fleet.layers.size(), 0);
  for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
    const Layer& layer = fleet.layers[l];
    const bool is_no_tar = contents != nullptr && contents->is_no_tar[l] != 0;
    standalone[l] =
        layer.foreign || is_no_tar || !IsRewritable(fleet.text(layer.media_type)) ? 1 : 0;
  }
  return standalone;
}

KeptImages FindKeptImages(const Fleet& fleet, const std::vector<std::string>& pins,
                          std::uint32_t max_layers, const LayerContents* contents) {
  const std::vector<std::uint8_t> pinned = MatchPins(fleet, pins);
  const std::vector<std::uint8_t> windows = FindWindowsImages(fleet, contents);
  std::vector<std::uint8_t> unwritable(fleet.images.size(), 0);
  if (contents != nullptr) unwritable = FindUnwritableImages(fleet, *contents);
  const std::vector<std::uint8_t> too_many = FindTooManyLayers(
      fleet, max_layers, FindStandaloneLayers(fleet, contents),
      [&](ImageIndex i) { return pinned[i] == 0 && windows[i] == 0 && unwritable[i] == 0; });
  KeptImages kept;
  kept.reason.assign(fleet.images.size(), KeptReason::kFree);
  kept.flags.assign(fleet.images.size(), 0);
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    if (pinned[i] != 0) {
      kept.reason[i] = KeptReason::kPinned;
      ++kept.num_pinned;
    } else if (windows[i] != 0) {
      kept.reason[i] = KeptReason::kWindows;
      ++kept.num_windows;
    } else if (unwritable[i] != 0) {
      kept.reason[i] = KeptReason::kUnwritable;
      ++kept.num_unwritable;
    } else if (too_many[i] != 0) {
      kept.reason[i] = KeptReason::kTooManyLayers;
      ++kept.num_too_many_layers;
    }
    kept.flags[i] = kept.reason[i] == KeptReason::kFree ? 0 : 1;
  }
  return kept;
}

}  // namespace gneiss
