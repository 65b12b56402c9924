// `gneiss stat`: what a fleet holds, who holds it, who pays for it. Computed here; printed by
// stat_screen and stat_json.
#pragma once

#include <cstdint>
#include <vector>

#include "io/report/fleet/grouping.h"
#include "planner/fleet/accounting.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"

namespace gneiss {

struct StatRequest {
  Scope scope = Scope::kGlobal;
  bool layers_only = false;              // without configs and manifests
  std::vector<Grouping> groupings = {};  // tables wanted, in this order, each once
};

struct GroupTable {
  Grouping grouping;
  std::vector<GroupAccount> rows;  // largest proportional share first
  std::int64_t images_in_several = 0;
  // What rows count more than once because of those images: sum over rows - repeated == total.
  std::int64_t repeated_images = 0;
  Bytes repeated_logical = 0;
};

struct StatReport {
  StatRequest request;
  Accounting accounting;
  std::vector<GroupTable> tables;
  std::int64_t configs_without_size = 0;    // counted as 0 bytes; 0 for layers_only
  std::int64_t manifests_without_size = 0;  // likewise; images without a digest are among them
  // Images by their proportional share, largest first, then in the fleet's order.
  std::vector<ImageIndex> images_by_share;
};

// Throws InputError when no image has the label of a grouping, or a sum leaves int64.
[[nodiscard]] StatReport MakeStatReport(const Fleet& fleet, StatRequest request);

}  // namespace gneiss
