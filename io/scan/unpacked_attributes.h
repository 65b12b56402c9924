// The attributes that files have once their layer is unpacked, where headers of other entries have
// changed them on the way, as containerd unpacks:
//
//   - The header of a hard link counts for the file that it names: mode, owner and time, attributes
//     beside those that the file has. A new owner, even the same, takes its capability away.
//   - A directory that is given twice keeps the attributes of before beside its new ones.
//   - The times of directories are set last, by name: what has replaced a directory, or what a
//     symlink there leads to, has its time.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "io/scan/layer_symlinks.h"
#include "io/scan/scan_warnings.h"
#include "planner/contents/inventory.h"
#include "planner/contents/paths.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

// Directories that lead to symlinks of a layer and that the layer has not listed so far. In a
// lowest layer an opaque marker takes those away that are below it, and the links with them.

class UnlistedDirectories {
 public:
  // An entry is listed at `key`. Once listed a path stays so, whatever becomes of the entry. Time
  // O(log n).
  void List(std::string_view key);
  // A link is at `key`, whose own entry is listed. Time O(depth * log n).
  void AddLink(std::string_view key);
  // Takes out and returns those below `directory`, each before what is below it.
  [[nodiscard]] std::vector<std::string> TakeBelow(std::string_view directory);

 private:
  struct ByPath {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return ComparePaths(a, b) < 0; }
  };
  using Keys = std::set<std::string, ByPath>;

  Keys listed_;
  Keys unlisted_;
};

// A directory that is not where its name says, since a symlink led to it; which may change.
struct FollowedDirectory {
  std::uint32_t path = 0;  // of its entry
  std::uint32_t name = 0;  // a text: its key but for symlinks
  bool is_rooted = false;  // written with a '/' in front
};

// Gives the entries those attributes, hard links those of the files that they name; links to files
// that the layer lacks keep what their headers say but for extended attributes. `followed`: by
// position; `latest`: of each entry itself or the last one before it that is at its path and no
// marker, kNone: none; `begins`: of each entry in the tar, by position; `symlinks`: of the layer,
// at its end. REQUIRES: sorted. Time O(entries + links log entries).
void SetUnpackedAttributes(const std::vector<std::uint32_t>& latest,
                           const std::vector<FollowedDirectory>& followed,
                           const std::vector<Bytes>& begins, Inventory& inventory,
                           LayerSymlinks& symlinks, ScanWarnings& warnings);

}  // namespace gneiss
