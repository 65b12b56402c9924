#include "planner/carve/carve.h"

#include <algorithm>
#include <utility>

namespace gneiss {

GeneratedPlan PlanCarve(const ContentProblem& problem, const CarveLevelOptions& options) {
  CarveOptions carve;
  carve.max_layers = options.max_layers;
  carve.offered = options.offered;
  carve.should_stop = options.should_stop;
  if (problem.has_gap_tolerance()) {
    carve.enough_cost = [&](const LayerCarving& so_far) {
      return problem.EnoughCost(so_far.layers, options.max_layers, so_far.lower_bound, so_far.cost);
    };
  }
  const LayerCarving carving = CarveLayers(problem.files(), problem.rates(), carve);
  RequireEqual("the cost of carved layers", carving.cost,
               CostOfLayers(problem.files(), problem.rates(), carving.layers));
  return problem.Finish(carving.layers, options.max_layers, carving.lower_bound,
                        carving.status == CarvingStatus::kStopped);
}

std::vector<Recommendation> RecommendCarving(const GeneratedPlan& plan) {
  if (plan.planned.cost >= plan.current.cost) return {};
  Recommendation r{
      .id = "C1",
      .kind = RecommendationKind::kCarve,
      .effort = Effort::kGeneratedLayers,
      .saves_cost = plan.current.cost - plan.planned.cost,
      .saves_storage_bytes = plan.current.storage_bytes - plan.planned.storage_bytes,
      .saves_transfer_bytes = plan.current.transfer_bytes - plan.planned.transfer_bytes,
      .saves_layers = plan.current.layer_references - plan.planned.layer_references};
  for (const GeneratedLayer& layer : plan.layout.layers) {
    r.images.insert(r.images.end(), layer.images.begin(), layer.images.end());
  }
  std::ranges::sort(r.images);
  const auto repeated = std::ranges::unique(r.images);
  r.images.erase(repeated.begin(), repeated.end());
  // Images that show nothing need no layers, and nothing to adopt.
  if (r.images.empty()) return {};
  return {std::move(r)};
}

}  // namespace gneiss
