// Which images to delete for a number of bytes at the least loss
// (solver/deletion/deletion_budget.h), and how much can be freed at every loss
// (solver/deletion/deletion_frontier.h). Images go as a whole, out of every scope cell.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"
#include "planner/fleet/sharing_graph.h"
#include "planner/questions/deletion.h"
#include "solver/deletion/deletion_budget.h"
#include "solver/deletion/deletion_frontier.h"

namespace gneiss {

enum class DeletionLoss : std::uint8_t { kImages, kPulls };

struct FreeSpaceRequest {
  std::optional<Bytes> wanted = {};  // none: no choice
  bool wants_frontier = true;
  DeletionLoss loss = DeletionLoss::kImages;
  std::int64_t max_nodes = 0;  // of the search; 0: as many as take seconds on a fleet of this size
  std::function<bool()> should_stop = {};
};

struct FreeSpace {
  FreeSpaceRequest request;
  std::int64_t num_kept = 0;  // images that must stay
  std::int64_t most_loss = 0;
  Bytes most_freed = 0;                       // when all others go
  std::vector<DeletionStep> frontier = {};    // ids are images
  std::optional<DeletionChoice> choice = {};  // of `wanted`
  Deletion deletion = {};                     // of the choice; none without
  RefSelection goes;
};

// `kept`: images that stay, 1 each. Throws InputError when a sum leaves int64, AuditError when what
// the choice frees is not what deleting its images does.
[[nodiscard]] FreeSpace PlanFreeSpace(const Fleet& fleet, const ImageGroups& cells,
                                      const SharingGraph& sharing,
                                      std::span<const std::uint8_t> kept, FreeSpaceRequest request);

}  // namespace gneiss
