#include "planner/plan/content_plan.h"

#include <algorithm>
#include <array>
#include <utility>

#include "planner/carve/carve.h"
#include "planner/carve/generated_layout.h"
#include "planner/contents/kept_images.h"

namespace gneiss {
namespace {

constexpr std::array<std::uint32_t, 9> kFrontierLayers = {1, 2, 3, 5, 8, 12, 16, 20, 40};
// Weight of storage; transfer has the rest of 2, so that layers weigh what they do by default.
constexpr std::array<double, 5> kFrontierWeights = {0.05, 0.5, 1, 1.5, 1.95};

std::vector<std::vector<ImageIndex>> ImageSets(const GeneratedLayout& layout) {
  std::vector<std::vector<ImageIndex>> sets;
  for (const GeneratedLayer& layer : layout.layers) sets.push_back(layer.images);
  std::ranges::sort(sets);
  const auto repeated = std::ranges::unique(sets);
  sets.erase(repeated.begin(), repeated.end());
  return sets;
}

class ContentPlanner {
 public:
  ContentPlanner(const Fleet& fleet, const CostModel& model, const Today& today,
                 const PlanOptions& options, const LayerContents& contents)
      : fleet_(fleet),
        model_(model),
        today_(today),
        options_(options),
        contents_(contents),
        kept_(FindKeptImages(fleet, options.squash.pins, kAnyNumberOfLayers, &contents).flags) {}

  std::optional<ContentPlan> Run() {
    Begin(PlanStage::kContents);
    ContentProblem problem(fleet_, model_, today_, contents_,
                           {.ignore_mtime = options_.ignore_mtime,
                            .pinned = kept_,
                            .gap_tolerance = options_.squash.gap_tolerance});
    if (problem.num_images() == 0) return std::nullopt;
    ContentPlan plan;
    plan.num_images = problem.num_images();
    plan.floor = problem.floor();
    const bool has_tree = problem.num_images() <= kMaxMergeTreeImages;
    if (has_tree && (options_.wants_new_bases || options_.wants_carve)) {
      Begin(PlanStage::kNewBases);
      NewBases bases = PlanNewBases(problem, {.max_layers = options_.squash.max_layers,
                                              .num_bases = options_.num_bases,
                                              .wants_frontier = options_.wants_frontier,
                                              .should_stop = options_.should_stop});
      offered_ = ImageSets(bases.plan.layout);
      if (options_.wants_new_bases) plan.bases = std::move(bases);
    }
    if (options_.wants_carve) {
      Begin(PlanStage::kCarve);
      plan.carve = Carve(problem, options_.squash.max_layers);
    }
    if (options_.wants_frontier && options_.wants_carve) AddFrontier(problem, plan);
    plan.atoms = std::move(problem).TakeAtoms();
    return plan;
  }

 private:
  void Begin(PlanStage stage) const {
    if (options_.on_stage) options_.on_stage(stage);
  }

  GeneratedPlan Carve(const ContentProblem& problem, std::uint32_t max_layers) const {
    return PlanCarve(
        problem,
        {.max_layers = max_layers, .offered = offered_, .should_stop = options_.should_stop});
  }

  bool ShouldStop() const { return options_.should_stop && options_.should_stop(); }

  // The points that there is time for.
  void AddFrontier(const ContentProblem& problem, ContentPlan& plan) const {
    Begin(PlanStage::kFrontier);
    const CostOptions& cost = model_.options();
    for (const std::uint32_t k : kFrontierLayers) {
      if (k > options_.squash.max_layers) break;
      if (ShouldStop()) return;
      plan.by_layers.push_back(
          {k, cost.storage_weight, cost.transfer_weight, Carve(problem, k).planned});
    }
    for (const double weight : kFrontierWeights) {
      if (ShouldStop()) return;
      CostOptions weighed = cost;
      weighed.storage_price.reset();
      weighed.transfer_price.reset();
      weighed.storage_weight = weight;
      weighed.transfer_weight = 2 - weight;
      const CostModel model(fleet_, weighed);
      const Today today = MakeToday(fleet_, model);
      const ContentProblem other(fleet_, model, today, contents_,
                                 {.ignore_mtime = options_.ignore_mtime,
                                  .pinned = kept_,
                                  .gap_tolerance = options_.squash.gap_tolerance});
      const GeneratedPlan carved = Carve(other, options_.squash.max_layers);
      plan.by_weights.push_back(
          {options_.squash.max_layers, weight, 2 - weight,
           CostOfGeneratedLayout(fleet_, model_, today_.cells, problem.atoms(), carved.layout)});
    }
  }

  const Fleet& fleet_;
  const CostModel& model_;
  const Today& today_;
  const PlanOptions& options_;
  const LayerContents& contents_;
  std::vector<std::uint8_t> kept_;
  std::vector<std::vector<ImageIndex>> offered_;
};

}  // namespace

std::optional<ContentPlan> PlanContents(const Fleet& fleet, const CostModel& model,
                                        const Today& today, const PlanOptions& options,
                                        const LayerContents& contents) {
  return ContentPlanner(fleet, model, today, options, contents).Run();
}

}  // namespace gneiss
