#include "planner/waste/dive_efficiency.h"

#include <algorithm>
#include <deque>
#include <vector>

#include "planner/contents/overlay.h"
#include "planner/contents/paths.h"

namespace gneiss {
namespace {

// What dive knows of one path.
struct PathSizes {
  Bytes sum = 0;
  Bytes smallest = 0;
  std::int64_t num_layers = 0;
};

// Of the root, too.
bool IsInside(std::string_view path, std::string_view directory) {
  return directory.empty() ? !path.empty()
                           : path.size() > directory.size() && path.starts_with(directory) &&
                                 path[directory.size()] == '/';
}

// Bytes of contents seen at and below a path.
Bytes SizeBelow(const Overlay& overlay, std::span<const Inventory* const> chain, PathIndex top) {
  Bytes size = 0;
  overlay.ForEachSeenBelow(top, [&](PathIndex, EntryRef entry) {
    if (entry.layer != kNone) size += chain[entry.layer]->entries[entry.entry].size;
  });
  return size;
}

}  // namespace

DiveEfficiency ComputeDiveEfficiency(std::span<const Inventory* const> chain) {
  DiveEfficiency result;
  PathTree tree;
  std::deque<LayerPaths> paths;
  for (const Inventory* inventory : chain) paths.push_back(tree.Add(*inventory));
  Overlay overlay(tree);
  std::vector<Hiding> ignored;
  std::vector<PathSizes> sizes(tree.size());
  for (LayerIndex l = 0; l < chain.size(); ++l) {
    const std::vector<Entry>& entries = chain[l]->entries;
    for (std::size_t e = 0; e < entries.size(); ++e) {
      const Entry& entry = entries[e];
      result.size_bytes += entry.size;
      if (l > 0) result.user_bytes += entry.size;
      // Leaves only, and of one path twice in a layer the last.
      const std::string_view path = chain[l]->path(entry);
      if (e + 1 < entries.size()) {
        const std::string_view next = chain[l]->path(entries[e + 1]);
        if (next == path || IsInside(next, path)) continue;
      }
      const PathIndex at = paths[l].path[e];
      Bytes size = entry.size;
      // A whiteout of a directory weighs what it hides, one of a file nothing.
      if (entry.type == EntryType::kWhiteout && overlay.IsDirectory(at)) {
        size = SizeBelow(overlay, chain, at);
      }
      PathSizes& of_path = sizes[at];
      of_path.smallest = of_path.num_layers == 0 ? size : std::min(of_path.smallest, size);
      of_path.sum += size;
      ++of_path.num_layers;
    }
    overlay.Push({.layer = l, .inventory = chain[l], .paths = &paths[l]}, ignored);
  }
  Bytes smallest = 0;
  Bytes sum = 0;
  for (const PathSizes& of_path : sizes) {
    smallest += of_path.smallest;
    sum += of_path.sum;
    if (of_path.num_layers > 1) result.wasted_bytes += of_path.sum;
  }
  if (sum > 0) result.efficiency = static_cast<double>(smallest) / static_cast<double>(sum);
  return result;
}

}  // namespace gneiss
