// Which images of a fleet came, went or moved since an earlier one, and what of a chain that moved
// is another: its base, or only the layers above it.
//
// Leaves out: what that costs (fleet_diff.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "planner/fleet/fleet.h"

namespace gneiss {

enum class ChangeKind : std::uint8_t { kAdded, kRemoved, kMoved, kUnchanged };
inline constexpr std::size_t kNumChangeKinds = 4;
[[nodiscard]] std::string_view ChangeKindName(ChangeKind kind);  // "added"

// Why an image differs. Of blobs also why they are there, or gone.
enum class ChangeCause : std::uint8_t {
  kNewRepository,  // no image of it was there
  kNewPlatform,    // the ref was there, for others
  kNewTag,
  kNewName,        // of an image that was there
  kChangedBase,    // its lower layers are others; of layers: of the new base, or the old
  kRebuilt,        // of layers alone: above a base that changed
  kChangedLayers,  // its own layers, on the base that it had
  kLostSharing,    // of layers alone: one of several that stand where one layer stood before
  kRecompressed,   // the same diff_ids under other digests
  kChangedConfig,  // the same layers; of blobs: config or manifest of an image that moved
  kRemovedRepository,
  kRemovedPlatform,
  kRemovedTag,
  kRemovedName,  // of an image that is still there
  kOtherSize,    // the blob was there, but its size was not known then, or is not now
};
inline constexpr std::size_t kNumChangeCauses = 15;
[[nodiscard]] std::string_view ChangeCauseName(ChangeCause cause);  // "new repository"

// One image of one repository, as it was and as it is.
struct ImageChange {
  ChangeKind kind = ChangeKind::kUnchanged;
  ChangeCause cause = ChangeCause::kOtherSize;  // meaningless for kUnchanged
  ImageIndex before = kNone;                    // kNone for kAdded
  ImageIndex after = kNone;                     // kNone for kRemoved
  std::string repository;                       // as GroupImages names it
  std::vector<std::string> refs;                // of it, sorted; empty for images without
  // Of kMoved. Positions of the chains, base layer first.
  std::uint32_t num_same = 0;     // layers that both chains begin with
  std::uint32_t base_before = 0;  // layers of its base, as far as that can be told
  std::uint32_t base_after = 0;
  bool base_changed() const { return num_same < base_before; }
};

// Images are the same by ref and platform, images without a ref by their digest. An image that has
// refs in several repositories, or whose refs moved apart, is a change in each. Ordered by
// repository, then refs, platform and image.
//
// Manifests do not say where a base ends. Taken for it: the longest part of the chain that is all
// of an image of another repository, and stands below others; else what it has in common with
// images of another repository that go on otherwise; else, of a chain of several layers, the first.
// Copies of one image under several repositories are told apart by their first repository only.
//
// Time O(references + refs log refs).
[[nodiscard]] std::vector<ImageChange> FindImageChanges(const Fleet& before, const Fleet& after);

}  // namespace gneiss
