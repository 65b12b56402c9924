// A StatReport as JSON, schema "gneiss.stat/1" (design.md 7): raw integers, every row of every
// table.
#pragma once

#include <cstdint>
#include <ostream>

#include "io/json/json_writer.h"
#include "io/report/fleet/stat_report.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// A row of a table as gneiss.stat/1 has it.
[[nodiscard]] Json GroupRowJson(const GroupAccount& group);

// The fleet's totals: members of the object that `json` has open.
void WriteFleetTotals(const FleetTotals& totals, JsonWriter& json);

// `bad_images` are those that reading left out. `images` adds an array of all images, largest
// proportional share first. REQUIRES: `report` was made of `fleet`.
void WriteStatJson(const Fleet& fleet, const StatReport& report, std::int64_t bad_images,
                   bool images, std::ostream& out);

}  // namespace gneiss
