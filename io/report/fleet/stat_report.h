// `gneiss stat`: what a fleet holds, who holds it, who pays for it. Computed here; printed by
// stat_screen and stat_json.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <vector>

#include "io/json/json_writer.h"
#include "io/report/fleet/grouping.h"
#include "io/text/table.h"
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

// A StatReport as text for a screen: the findings in words, then tables whose rows add up.

struct StatScreen {
  ScreenStyle style = {};
  std::size_t top = 20;    // rows of a table, the rest in "[N others]"; 0 for all
  bool images = false;     // the table by image too
  bool one_group = false;  // also tables that have one row only
};

// REQUIRES: `report` was made of `fleet`.
void PrintStat(const Fleet& fleet, const StatReport& report, const StatScreen& screen,
               std::ostream& out);

// A StatReport as JSON, schema "gneiss.stat/1" (design.md 7): raw integers, every row of every
// table.

// A row of a table as gneiss.stat/1 has it.
[[nodiscard]] Json GroupRowJson(const GroupAccount& group);

// The fleet's totals: members of the object that `json` has open.
void WriteFleetTotals(const FleetTotals& totals, JsonWriter& json);

// `bad_images` are those that reading left out. `images` adds an array of all images, largest
// proportional share first. REQUIRES: `report` was made of `fleet`.
void WriteStatJson(const Fleet& fleet, const StatReport& report, std::int64_t bad_images,
                   bool images, std::ostream& out);

}  // namespace gneiss
