// The layer trie of a report: branches that a page draws as nested bars. Small branches beside
// larger ones are one node that counts them.
#pragma once

#include "io/json/json_writer.h"
#include "io/report/fleet/tree_report.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// The member "tree" of the object that `json` has open. A node's branch_bytes are its bytes and
// those of its children, which are branches or one node of others. REQUIRES: `report` is of
// `fleet`, made with limits.fold.
void WriteReportTree(const Fleet& fleet, const TreeReport& report, JsonWriter& json);

}  // namespace gneiss
