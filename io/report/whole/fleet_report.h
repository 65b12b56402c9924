// `gneiss report`: all that accounting, plan, waste and trie say of one fleet, together, for those
// who print it as a page, as Markdown, CSV, Prometheus text or JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/report/fleet/stat_report.h"
#include "io/report/fleet/tree_report.h"
#include "io/report/waste/waste_report.h"
#include "io/tables/growth_series.h"
#include "planner/cost/today.h"
#include "planner/fleet/fleet.h"
#include "planner/plan/plan.h"
#include "planner/waste/waste.h"

namespace gneiss {

enum class LevelRole : std::uint8_t { kToday, kPlanned, kFloor, kComparison };
// "today", "planned", "floor" or "comparison".
[[nodiscard]] std::string_view LevelRoleName(LevelRole role);

struct LevelProof {
  Bytes lower_bound = 0;  // in the unit of cost
  double gap = 0;
  PlanStatus status = PlanStatus::kOptimal;
};

// A row of the waterfall. Layers only, as in every layout cost.
struct ReportLevel {
  std::string_view name;  // "today", "squash", "rebase", "bases", "carve", "floor", "flatten",
                          // "keep base"
  LevelRole role = LevelRole::kPlanned;
  LayoutCost cost;
  std::optional<LevelProof> proof;  // of planned levels
};

// The images that a report is of, where it is of one group of a larger fleet.
struct ReportGroup {
  std::string by;    // as --by spells it
  std::string name;  // of the group
};

struct FleetReportRequest {
  Scope scope = Scope::kGlobal;
  bool layers_only = false;
  std::vector<std::string> labels;  // keys whose values are rows of a table, each once
  std::optional<ReportGroup> group;
  std::optional<WasteReport> waste;  // as FindReportWaste gives it
  std::int64_t bad_images = 0;       // that reading left out
  std::vector<SeriesPoint> history;  // bytes over time, may be empty
};

struct FleetReport {
  const Fleet& fleet;  // not owned, as the plan
  const Plan& plan;
  FleetReportRequest request;  // without its waste
  StatReport stat;             // tables of repositories, namespaces, platforms, then of the labels
  Today today;
  TreeReport tree;                   // the heaviest branches
  std::optional<WasteReport> waste;  // none: the contents of no layer are known
  std::vector<KindSum> waste_kinds;
  std::vector<ReportLevel> levels;
  std::vector<const Recommendation*> recommendations;  // what to do first, first

  // The planned level that stores least; today's where none stores less.
  [[nodiscard]] const ReportLevel& best_level() const;
};

// What takes the longest of a report, and needs no plan: found before one is made, it delays no
// report of a plan that an interrupt ended. None where `contents` is null or knows no layer; `cost`
// is that of the plan. Throws what FindWaste throws.
[[nodiscard]] std::optional<WasteReport> FindReportWaste(const Fleet& fleet,
                                                         const CostOptions& cost,
                                                         const LayerContents* contents);

// Throws what MakeStatReport throws. REQUIRES: `plan` is of `fleet`; both outlive the report.
[[nodiscard]] FleetReport MakeFleetReport(const Fleet& fleet, const Plan& plan,
                                          FleetReportRequest request);

// Keys of labels that name who answers for an image, as far as any image has them: "team", "owner",
// keys that end in ".team" or ".owner", and the vendor of the OCI annotations. Sorted.
[[nodiscard]] std::vector<std::string> OwnerLabels(const Fleet& fleet);

}  // namespace gneiss
