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
#include <vector>

#include "io/scan/layer_symlinks.h"
#include "io/scan/scan_warnings.h"
#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

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
