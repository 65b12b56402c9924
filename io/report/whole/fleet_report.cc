#include "io/report/whole/fleet_report.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace gneiss {
namespace {

// Branches of the trie that a page draws. What is left out is summed up beside them.
constexpr std::size_t kMaxBranches = 2500;

// Of a SquashPlan, a GeneratedPlan or a BasesReport.
template <typename Level>
LevelProof ProofOf(const Level& level) {
  return {.lower_bound = level.lower_bound, .gap = level.gap(), .status = level.status};
}

std::vector<ReportLevel> MakeLevels(const Plan& plan) {
  const SquashPlan& squash = plan.squash;
  std::vector<ReportLevel> levels = {
      {.name = "today", .role = LevelRole::kToday, .cost = squash.current, .proof = {}},
      {.name = "squash", .cost = squash.planned, .proof = ProofOf(squash)}};
  if (plan.bases.num_moved_images > 0) {
    levels.push_back({.name = "rebase", .cost = plan.bases.moved, .proof = ProofOf(plan.bases)});
  }
  if (const auto& contents = plan.from_contents) {
    if (contents->bases) {
      const GeneratedPlan& bases = contents->bases->plan;
      levels.push_back({.name = "bases", .cost = bases.planned, .proof = ProofOf(bases)});
    }
    if (contents->carve) {
      levels.push_back(
          {.name = "carve", .cost = contents->carve->planned, .proof = ProofOf(*contents->carve)});
    }
    levels.push_back(
        {.name = "floor", .role = LevelRole::kFloor, .cost = contents->floor, .proof = {}});
  }
  for (const auto& [name, cost] :
       {std::pair("flatten", &plan.flattened), std::pair("keep base", &plan.kept_base)}) {
    levels.push_back({.name = name, .role = LevelRole::kComparison, .cost = *cost, .proof = {}});
  }
  return levels;
}

StatRequest StatRequestOf(const FleetReportRequest& request) {
  StatRequest stat{.scope = request.scope, .layers_only = request.layers_only};
  for (const auto kind :
       {Grouping::Kind::kRepository, Grouping::Kind::kNamespace, Grouping::Kind::kPlatform}) {
    stat.groupings.push_back({.kind = kind, .label = {}});
  }
  for (const std::string& label : request.labels) {
    stat.groupings.push_back({.kind = Grouping::Kind::kLabel, .label = label});
  }
  return stat;
}

}  // namespace

std::string_view LevelRoleName(LevelRole role) {
  constexpr std::array<std::string_view, 4> kNames = {"today", "planned", "floor", "comparison"};
  return kNames[static_cast<std::size_t>(role)];
}

const ReportLevel& FleetReport::best_level() const {
  const ReportLevel* best = &levels.front();
  for (const ReportLevel& level : levels) {
    if (level.role != LevelRole::kPlanned) continue;
    if (level.cost.storage_bytes < best->cost.storage_bytes) best = &level;
  }
  return *best;
}

std::optional<WasteReport> FindReportWaste(const Fleet& fleet, const CostOptions& cost,
                                           const LayerContents* contents) {
  if (contents == nullptr) return std::nullopt;
  const CostModel model(fleet, cost);
  WasteReport waste = FindWaste(fleet, model, MakeToday(fleet, model), *contents);
  if (waste.num_known_layers == 0) return std::nullopt;
  return waste;
}

FleetReport MakeFleetReport(const Fleet& fleet, const Plan& plan, FleetReportRequest request) {
  FleetReport report{.fleet = fleet,
                     .plan = plan,
                     .request = {},
                     .stat = MakeStatReport(fleet, StatRequestOf(request)),
                     .today = MakeToday(fleet, plan.model),
                     .tree = MakeTreeReport(fleet, {.top = kMaxBranches}),
                     .waste = {},
                     .waste_kinds = {},
                     .levels = MakeLevels(plan),
                     .recommendations = plan.Ranked()};
  report.waste = std::exchange(request.waste, std::nullopt);
  if (report.waste) report.waste_kinds = SumKinds(*report.waste);
  report.request = std::move(request);
  return report;
}

std::vector<std::string> OwnerLabels(const Fleet& fleet) {
  const auto names_owner = [](std::string_view key) {
    return key == "team" || key == "owner" || key.ends_with(".team") || key.ends_with(".owner") ||
           key == "org.opencontainers.image.vendor";
  };
  std::set<TextIndex> keys;
  for (const Label& label : fleet.labels) keys.insert(label.key);
  std::vector<std::string> owners;
  for (const TextIndex key : keys) {
    if (names_owner(fleet.text(key))) owners.emplace_back(fleet.text(key));
  }
  std::ranges::sort(owners);
  return owners;
}

}  // namespace gneiss
