// Whether two chains of layers show the same file system, path by path: what a proof that an image
// did not change comes down to. Shares the merge (overlay.h) with the planner, and nothing else.
//
// Compared is what containers see:
//
//   - Every path that either side shows, by its type.
//   - Mode, owner and time; of files size and sha256 of the contents, of symlinks the target, of
//     devices their numbers; extended attributes of all. Not the mode of symlinks, which Linux does
//     not keep, and not what a tar holds of a file with holes.
//   - Which names are hard links of one file. A name has the attributes of that file, so those of
//     the entry that holds its contents are compared; what the header of a hard link says no
//     runtime applies.
//   - Directories that no layer lists are 0755, root's, or as what containerd copies from below
//     (Overlay::AttributesAt). Runtimes give them the time of unpacking: that is not compared where
//     one side does not list the directory.
//
// Leaves out: contents that two chains have in common although they name them by other digests
// (there are none, short of a collision), and what runtimes do to the times of directories when a
// higher layer puts something there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "planner/contents/overlay.h"
#include "planner/contents/paths.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

// In the order in which the differences of one path are told.
enum class FileAspect : std::uint8_t {
  kPath,  // seen on one side only
  kType,  // nothing else of the path is compared then
  kSize,
  kContent,
  kTarget,
  kDevice,
  kMode,
  kOwner,
  kTime,
  kXattrs,
  kHardLinks,  // which names are the same file
};
inline constexpr std::uint8_t kNumFileAspects = 11;
[[nodiscard]] std::string_view FileAspectName(FileAspect aspect);

// `left` and `right` are texts for people; they may hold any bytes, as names do.
struct FileDifference {
  std::string path;  // key (path_key.h), empty for the root
  FileAspect aspect = FileAspect::kPath;
  std::string left;
  std::string right;

  friend bool operator==(const FileDifference&, const FileDifference&) = default;
};

struct FileSystemDiffOptions {
  bool ignore_mtime = false;
  std::size_t max_kept = 0;  // differences told, the first ones; 0: all
};

struct FileSystemDiff {
  std::vector<FileDifference> differences;  // by path (ComparePaths), then aspect
  std::int64_t num_differences = 0;         // all of them
  std::int64_t num_paths = 0;               // that either side shows
  Bytes file_bytes = 0;                     // of contents on the left, each file once
};

// REQUIRES: paths of all layers are in `paths`; layers that are one on both sides have one index.
// Throws InputError when the sizes of files leave int64. Time O(entries of both chains + d log d)
// for d differences.
[[nodiscard]] FileSystemDiff CompareFileSystems(const PathTree& paths,
                                                std::span<const OverlayLayer> left,
                                                std::span<const OverlayLayer> right,
                                                const FileSystemDiffOptions& options = {});

}  // namespace gneiss
