// What the commands that make a plan have in common: their options, and the making.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/cli/options/load_contents.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/scan_layers.h"
#include "io/cli/terminal/console.h"
#include "io/cli/terminal/progress.h"
#include "planner/fleet/accounting.h"
#include "planner/plan/plan.h"

namespace CLI {
class App;
}

namespace gneiss {

struct PlanArguments {
  CostOptions cost() const;  // of `plan`, with the scope

  FleetOptions fleet;
  PlanOptions plan;
  std::string scope = "global";
  std::string level = "all";
  std::string mtime = "exact";
  std::string compression = "gzip";
  StoreArguments store;
  std::string lineage_file;  // empty: none
  std::string event_file;
  double time_limit = 0;  // seconds, 0: none
  bool no_contents = false;
  bool layers_only = false;
};

// Levels that --level takes; the one in `arguments` is the default. `arguments` must outlive the
// parsing.
void AddPlanArguments(CLI::App& app, PlanArguments& arguments,
                      std::vector<std::string> levels = {"squash", "bases", "carve", "all"});

// A plan with all that it refers to.
struct PlannedFleet {
  explicit PlannedFleet(LoadedFleet fleet) : loaded(std::move(fleet)) {}
  PlannedFleet(const PlannedFleet&) = delete;
  PlannedFleet& operator=(const PlannedFleet&) = delete;

  LoadedFleet loaded;
  std::vector<PastRef> past_refs;  // by --events
  FleetTotals totals;
  std::optional<LayerContents> contents;  // none: not asked for
  std::optional<Plan> plan;               // always there
  int signal = 0;                         // that ended the planning early; 0: none

  int exit_code() const { return signal == 0 ? loaded.exit_code : 128 + signal; }
};

// The two steps of PlanFleet, for commands that plan parts of what they have read. The first reads
// images and contents; the second counts and plans what `planned` has.
[[nodiscard]] std::unique_ptr<PlannedFleet> ReadForPlan(const PlanArguments& arguments,
                                                        Console& console, Progress& progress);
void PlanWhatIsRead(const PlanArguments& arguments, PlannedFleet& planned, Progress& progress);

// Names its stages on `progress`. Interrupts, once levels made of contents have begun, end those
// with the best so far. Throws what LoadFleet, LoadContents and MakePlan throw, and InputError for
// a level that lacks contents.
[[nodiscard]] std::unique_ptr<PlannedFleet> PlanFleet(const PlanArguments& arguments,
                                                      Console& console, Progress& progress);

}  // namespace gneiss
