// The file system that a chain of layers makes, as a list: what is seen at each path, which layer
// it comes from, and what of the layers is not seen.
//
// Leaves out: markers, which are nothing that is seen, and what runtimes do to the times of
// directories when a higher layer puts something there.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/contents/overlay.h"

namespace gneiss {

// Some paths of a file system, by shell patterns.

class PathSelection {
 public:
  // Patterns (fnmatch) over whole keys, in which "*" matches "/" too; a path without pattern
  // characters also means all below it. "/etc/", "./etc" and "etc" are one. None: every path.
  explicit PathSelection(const std::vector<std::string>& patterns);

  // Whether the key (path_key.h) is selected. Time O(patterns).
  [[nodiscard]] bool Selects(const std::string& key);

  // The first pattern, as it was given, that has matched nothing so far; empty when all have.
  [[nodiscard]] std::string_view unmatched() const;

 private:
  struct Pattern {
    std::string given;
    std::string key;
    bool has_matched = false;
  };
  std::vector<Pattern> patterns_;
};

// What is seen at one path.
struct MergedFile {
  std::string path;  // key (path_key.h)
  // The entry whose attributes are seen, but for the two that follow: of a file the one that holds
  // its contents. Of a hard link to nothing its own, which is a kHardLink; of a directory that no
  // layer lists what it copies (Overlay::AttributesAt), but for the time.
  EntryRef entry;
  std::uint32_t gid = 0;
  std::string xattrs;  // FormatXattrs
  // Of that entry's layer in the chain, from 0; kNone: a directory that no layer lists.
  std::uint32_t position = kNone;
  std::uint32_t file = kNone;   // a number that all names of one file have; kNone: a directory
  std::uint32_t num_names = 0;  // of that file
  bool is_directory = false;
  // A directory that the topmost layer which has something below it does not list.
  bool is_implied = false;
};

// What is seen at the path, with what runtimes give a symlink (0777), and a hard link to nothing as
// an empty file. Texts and contents are those of the inventory of `file.entry`, but for the
// extended attributes, which `file.xattrs` has.
[[nodiscard]] Entry AttributesOf(const LayerContents& contents, const MergedFile& file);

// When the entry was last written, as "SECONDS.NNNNNNNNN" since 1970, the seconds rounded down.
[[nodiscard]] std::string TimeText(const Entry& entry);

// Contents that are not to be seen: of the entry `hidden`, since the entry `by`.
struct HiddenFile {
  EntryRef hidden;
  std::uint32_t position = 0;  // of its layer in the chain, from 0
  EntryRef by;
  std::uint32_t by_position = 0;
  HideCause cause = HideCause::kDeleted;
};

// Merges one chain after the other; layers that a chain begins with like the one before it are
// merged once.
class FileMerger {
 public:
  // Keeps a view of the contents, which must not gain layers afterwards.
  explicit FileMerger(const LayerContents& contents);

  // All that is seen, sorted by path (ComparePaths); the root when a layer lists it. REQUIRES: the
  // contents of all layers of the chain are known. Time O(e log e) for e entries of the chain.
  [[nodiscard]] std::vector<MergedFile> Merge(std::span<const LayerIndex> chain);

  // Of the last chain, sorted by path, then position and entry. Whiteouts of nothing are left out,
  // since they hide nothing, and so are directories that come again: what is below them is seen.
  [[nodiscard]] std::vector<HiddenFile> FindHidden() const;

 private:
  void Push(std::span<const LayerIndex> chain);

  const LayerContents& contents_;
  Overlay overlay_;
  std::vector<LayerIndex> chain_;            // on the overlay
  std::vector<std::vector<Hiding>> hidden_;  // by each layer; their "layers" are positions
};

enum class FileChange : std::uint8_t { kAdded, kChanged, kRemoved };

struct LayerChange {
  FileChange change = FileChange::kAdded;
  MergedFile file;  // as it is after the layer; of kRemoved as it was before
};

// What a layer does to a merged file system. A file that is written again is changed, whatever it
// holds; a directory when an attribute is another. REQUIRES: both sorted, of one merger.
[[nodiscard]] std::vector<LayerChange> FindLayerChanges(const LayerContents& contents,
                                                        const std::vector<MergedFile>& before,
                                                        const std::vector<MergedFile>& after);

}  // namespace gneiss
