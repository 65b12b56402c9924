// Retention: of each repository the newest images stay, the others go.
//
// Counted for each repository and platform apart, so that an image of several platforms is one
// version. Tags are what a registry deletes: a tag goes when no image that it names stays in its
// repository, and an image when all of its tags go.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"
#include "planner/fleet/ref_selection.h"

namespace gneiss {

struct Retention {
  RefSelection goes;
  std::int64_t num_repositories = 0;  // of which something goes
  // Images beyond the newest that stay nevertheless; in each repository where they do.
  std::int64_t num_tied = 0;          // as old as the last one that stays
  std::int64_t num_undated = 0;       // whose age is not known
  std::int64_t num_protected = 0;     // by a ref to keep
  std::int64_t num_kept_by_tag = 0;   // whose tags all name an image of another platform that stays
  std::int64_t num_without_refs = 0;  // in no repository
};

// `age_rank` per image: a higher one is newer, equal ones are of one age, kNone is not known.
// Images without an age stay and are not among the newest. `keep`: refs that stay. REQUIRES: newest
// >= 1; `repositories` are those of the fleet. Time O(refs log refs).
[[nodiscard]] Retention PlanRetention(const Fleet& fleet, const ImageGroups& repositories,
                                      std::span<const std::uint32_t> age_rank, std::int64_t newest,
                                      const RefSelection& keep);

}  // namespace gneiss
