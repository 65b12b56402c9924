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
#include <vector>

#include "planner/fleet/accounting.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"
#include "planner/questions/image_changes.h"

namespace gneiss {

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
