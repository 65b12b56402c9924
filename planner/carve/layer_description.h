// What is in a layer made of contents, in terms that people know: groups of its files, its largest
// paths, and the layers of today that its files come from.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "planner/carve/generated_layout.h"
#include "planner/contents/content_atoms.h"
#include "planner/contents/layer_contents.h"

namespace gneiss {

// Files of one package; of files that no package database lists, those below one directory: the
// name has at most two components then ("etc/ssl"), three below usr.
struct ContentGroup {
  std::string name;
  std::optional<Package> package;  // none: a directory
  Bytes bytes = 0;                 // compressed
  std::int64_t num_files = 0;
};

struct LayerPart {
  LayerIndex layer = 0;
  Bytes bytes = 0;  // of the files that come from there
};

struct PathPart {
  std::string path;  // key (path_key.h)
  Bytes bytes = 0;
};

struct LayerDescription {
  std::vector<ContentGroup> groups;  // largest first, then by name
  std::vector<LayerPart> layers;     // largest first, then by index
  std::vector<PathPart> paths;       // largest first, then by path; at most max_paths
  std::int64_t num_files = 0;
};

// Time O(units log units).
[[nodiscard]] LayerDescription DescribeLayer(const ContentAtoms& atoms,
                                             const LayerContents& contents,
                                             const GeneratedLayer& layer, std::size_t max_paths);

// Paths that layers hide of each other when they are applied in this order: what joining them
// frees, with the bytes of all entries hidden there. Largest first, then by path; at most
// max_paths. Empty where contents are not known.
[[nodiscard]] std::vector<PathPart> HiddenPaths(const LayerContents& contents,
                                                std::span<const LayerIndex> segment,
                                                std::size_t max_paths);

// The entries of today's layers that make a layer: what `apply` copies.
struct EntryRun {
  LayerIndex layer = 0;
  std::vector<std::uint32_t> positions;  // in the layer's tar (Entry::position), sorted
};

// Directories, and files by their names: which entry holds the contents of a hard link, an image
// that shows it tells (new_layer.h). By layer. Time O(entries log entries).
[[nodiscard]] std::vector<EntryRun> EntriesOfLayer(const ContentAtoms& atoms,
                                                   const LayerContents& contents,
                                                   const GeneratedLayer& layer);

}  // namespace gneiss
