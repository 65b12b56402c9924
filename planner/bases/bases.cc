#include "planner/bases/bases.h"

#include <cstddef>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace gneiss {
namespace {

Effort EffortOf(LineageSign sign) {
  switch (sign) {
    case LineageSign::kTwin:
      return Effort::kPushAgain;
    case LineageSign::kBaseName:
    case LineageSign::kTagHistory:
      return Effort::kRebuild;
    default:
      return Effort::kChangeFrom;
  }
}

}  // namespace

BasesReport FindBases(const Fleet& fleet, const CostModel& model, const Today& today,
                      const RebaseOptions& options) {
  RebasePlan plan = PlanRebase(fleet, model, today, options);
  BasesReport report{.bases = FindCommonBases(fleet, today.trie),
                     .drift = std::move(plan.moves),
                     .num_moved_images = plan.num_moved_images,
                     .current = plan.current,
                     .moved = plan.planned,
                     .lower_bound = plan.lower_bound,
                     .status = plan.status};
  std::ranges::move(plan.weak, std::back_inserter(report.drift));
  return report;
}

std::vector<Recommendation> RecommendMoves(const BasesReport& report) {
  std::vector<Recommendation> made;
  for (std::size_t d = 0; d < report.drift.size(); ++d) {
    const Drift& drift = report.drift[d];
    Recommendation r;
    r.id = fmt::format("B{}", made.size() + 1);
    r.kind = RecommendationKind::kRebase;
    r.effort = EffortOf(drift.sign);
    r.saves_cost = drift.saves_cost;
    r.saves_storage_bytes = drift.saves_storage_bytes;
    r.saves_transfer_bytes = drift.saves_transfer_bytes;
    r.saves_layers = (static_cast<std::int64_t>(drift.from.size()) -
                      static_cast<std::int64_t>(drift.to.size())) *
                     static_cast<std::int64_t>(drift.images.size());
    r.images = drift.images;
    r.drift = d;
    made.push_back(std::move(r));
  }
  return made;
}

}  // namespace gneiss
