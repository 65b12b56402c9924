// What a fleet stores more, or less, than an earlier one, and which images that comes from. Exact:
// the parts sum to the difference of the physical bytes, to the byte.
//
// A blob that storage did not hold in a scope cell is new there; its bytes are split evenly over
// the changed images of the cell that hold it. A blob that is gone is split over those that held
// it. Nothing else can make storage grow, but for blobs whose size is known on one side only.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "planner/fleet/accounting.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"

namespace gneiss {

// Which images of a fleet came, went or moved since an earlier one, and what of a chain that moved
// is another: its base, or only the layers above it.
//
// Leaves out: what that costs (fleet_diff.h).

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

struct Growth {
  Bytes added = 0;  // of new blobs
  Bytes gone = 0;   // of blobs that are no longer held
  Bytes net() const { return added - gone; }
  bool is_zero() const { return added == 0 && gone == 0; }

  Growth& operator+=(const Growth& other) {
    added = CheckedAdd(added, other.added);
    gone = CheckedAdd(gone, other.gone);
    return *this;
  }
};

using GrowthByCause = std::array<Growth, kNumChangeCauses>;

struct ImageDiff {
  ImageChange change;
  Growth growth;           // its share
  GrowthByCause by_cause;  // sums to `growth`
  Bytes brings = 0;        // all of its blobs that are new in its cell, not split
};

struct RepositoryDiff {
  std::string name;
  std::array<std::int64_t, kNumChangeKinds> num_changes{};  // by ChangeKind
  Growth growth;
};

struct FleetDiff {
  Scope scope = Scope::kGlobal;
  bool layers_only = false;
  FleetTotals before;
  FleetTotals after;
  std::array<std::int64_t, kNumChangeKinds> num_changes{};  // by ChangeKind
  std::array<std::int64_t, kNumChangeCauses> num_causes{};  // by the cause of the change
  Growth growth;           // net() == after - before, of physical_bytes
  GrowthByCause by_cause;  // sums to `growth`
  std::vector<RepositoryDiff>
      repositories;  // those with a change; largest net growth or loss first
  // All that changed, and those unchanged that have a share in the growth; largest net growth or
  // loss first, then in the order of FindImageChanges.
  std::vector<ImageDiff> images;
};

// Throws InputError when one digest has two sizes, or a sum leaves int64.
// Time O(references + refs log refs), space O(blobs + references that changed).
[[nodiscard]] FleetDiff DiffFleets(const Fleet& before, const Fleet& after, Scope scope,
                                   bool layers_only);

}  // namespace gneiss
