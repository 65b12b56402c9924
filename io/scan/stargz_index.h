// estargz: a gzip layer with an index of its entries (TOC) as the last of them, and landmarks that
// say what to fetch first. Readers that mount such a layer lazily believe the index, all others the
// tar; so where the two differ, one image is two.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

inline constexpr std::string_view kStargzIndexName = "stargz.index.json";

// An index beyond this is not compared, and counts as one that disagrees.
inline constexpr Bytes kMaxStargzIndexBytes = Bytes{64} << 20;

// Whether an entry is a landmark as estargz makes them: by its name, with the one byte 0xf in it.
[[nodiscard]] bool IsStargzLandmark(const Inventory& inventory, const Entry& entry);

// Names of which index and tar do not say the same: there in one of them only, or of another type,
// size, content or link target. Modes, owners, times and attributes are not compared.
struct StargzDifferences {
  std::int64_t count = 0;
  std::string first;  // a key; the index's own when it cannot be read
};

// REQUIRES: sorted, with the index and the landmarks taken out. Memory: four bytes an entry
// beside the text.
[[nodiscard]] StargzDifferences CompareStargzIndex(std::string_view json,
                                                   const Inventory& inventory);

}  // namespace gneiss
