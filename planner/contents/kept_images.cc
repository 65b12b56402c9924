#include "planner/contents/kept_images.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <functional>

#include <fmt/format.h>

#include "planner/contents/path_key.h"
#include "planner/contents/unwritable_images.h"
#include "planner/fleet/layer_trie.h"
#include "planner/fleet/platform.h"

namespace gneiss {
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
