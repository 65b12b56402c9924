// Planning rebases at size: 5,000 images on 500 versions of 8 bases, beside what is done without a
// plan: nobody moves, and everybody moves to the newest version of the base they name. Counters:
// gap of the whole fleet's cost, gap of what moves can save (1: nothing known), what the plan and
// the rules cost as a ratio to the plan.
#include <cstdint>

#include <benchmark/benchmark.h>

#include "bench/rebase_fleet.h"
#include "planner/bases/rebase.h"
#include "planner/bases/rebase_problem.h"
#include "planner/bases/rebase_state.h"

namespace gneiss {
namespace {

// The newest version of the longest base; choices stand in order of age within a lineage.
Bytes CostOfNewest(const Fleet& fleet, const CostModel& model, const Today& today) {
  const std::vector<Lineage> lineages = FindLineages(fleet, today.trie);
  const RebaseProblem problem = MakeRebaseProblem(fleet, today.trie, lineages, {});
  const RebaseBlobs blobs(fleet, model, today, problem);
  RebaseState state(blobs);
  const Bytes before = state.cost();
  for (std::uint32_t g = 0; g < problem.groups.size(); ++g) {
    const std::vector<RebaseChoice>& choices = problem.groups[g].choices;
    std::uint32_t newest = 0;
    std::uint32_t depth = 0;
    for (std::uint32_t c = 1; c < choices.size(); ++c) {
      if (today.trie.depth[choices[c].from] < depth) continue;
      depth = today.trie.depth[choices[c].from];
      newest = c;
    }
    state.Choose(g, newest);
  }
  return today.cost.cost - before + state.cost();
}

void BM_PlanRebase(benchmark::State& state) {
  const Fleet fleet = MakeRebaseFleet({.num_images = static_cast<std::uint32_t>(state.range(0)),
                                       .num_versions = static_cast<std::uint32_t>(state.range(1))});
  CostOptions cost;
  cost.images_per_node = static_cast<double>(state.range(2));
  const CostModel model(fleet, cost);
  const Today today = MakeToday(fleet, model);
  const auto newest = static_cast<double>(CostOfNewest(fleet, model, today));
  RebasePlan plan;
  for (auto _ : state) plan = PlanRebase(fleet, model, today);
  if (plan.lower_bound > plan.planned.cost || plan.planned.cost > plan.current.cost) {
    state.SkipWithError("the plan is outside its bounds");
  }
  const auto planned = static_cast<double>(plan.planned.cost);
  const auto saved = static_cast<double>(plan.current.cost - plan.planned.cost);
  const auto most = static_cast<double>(plan.current.cost - plan.lower_bound);
  state.counters["gap"] = plan.gap();
  state.counters["gap_of_saving"] = most > 0 ? 1 - saved / most : 0;
  state.counters["cost_GB"] = planned / 1e9;
  state.counters["today/plan"] = static_cast<double>(plan.current.cost) / planned;
  state.counters["newest/plan"] = newest / planned;
  state.counters["groups"] = static_cast<double>(plan.num_groups);
  state.counters["choices"] = static_cast<double>(plan.num_choices);
  state.counters["rounds"] = static_cast<double>(plan.num_rounds);
  state.counters["moved"] = static_cast<double>(plan.num_moved_images);
}
// Images, versions, images a node runs.
BENCHMARK(BM_PlanRebase)
    ->Args({5000, 500, 1})
    ->Args({5000, 500, 10})
    ->Args({5000, 500, 100})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

}  // namespace
}  // namespace gneiss
