// Planning at size: the whole of MakePlan on synthetic fleets, and its costly part alone, the
// partition of chains, beside what rules in use do to the same fleet. Each doubling of the images
// shows how the time grows. Counters: gap, the cost of each rule as a ratio to the plan's, peak
// memory of the process.
#include <sys/resource.h>

#include <cstdint>
#include <map>
#include <memory>

#include <benchmark/benchmark.h>

#include "bench/synthesize.h"
#include "planner/plan.h"

namespace gneiss {
namespace {

// Fleets are made once a size; nothing but planning is timed.
const Fleet& SyntheticFleetOf(std::int64_t num_images) {
  static std::int64_t size = -1;
  static Fleet fleet;
  if (size != num_images) {
    FleetBuilder builder;
    AddSyntheticFleet({.num_images = num_images, .seed = 1, .details = false}, builder);
    fleet = builder.Build();
    size = num_images;
  }
  return fleet;
}

double PeakMebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts KiB
}

void BM_MakePlan(benchmark::State& state) {
  const Fleet& fleet = SyntheticFleetOf(state.range(0));
  double gap = 1;
  double flatten = 0;
  double keep_base = 0;
  for (auto _ : state) {
    const Plan plan = MakePlan(fleet, {});
    gap = plan.squash.gap();
    const auto cost = static_cast<double>(plan.squash.planned.cost);
    flatten = static_cast<double>(plan.flattened.cost) / cost;
    keep_base = static_cast<double>(plan.kept_base.cost) / cost;
    if (plan.squash.lower_bound > plan.squash.planned.cost ||
        plan.squash.planned.cost > plan.squash.current.cost) {
      state.SkipWithError("the plan is outside its bounds");
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["gap"] = gap;
  state.counters["flatten/plan"] = flatten;
  state.counters["keep_base/plan"] = keep_base;
  state.counters["layer_refs"] = static_cast<double>(fleet.layer_references.size());
  state.counters["peak_MiB"] = PeakMebibytes();
}
BENCHMARK(BM_MakePlan)
    ->RangeMultiplier(2)
    ->Range(62'500, 1'000'000)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

void BM_PlanSquash(benchmark::State& state) {
  const Fleet& fleet = SyntheticFleetOf(state.range(0));
  const CostModel model(fleet, {});
  const Today today = MakeToday(fleet, model);
  for (auto _ : state) {
    const SquashPlan plan = PlanSquash(fleet, model, today, {});
    benchmark::DoNotOptimize(plan.planned.cost);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_PlanSquash)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gneiss
