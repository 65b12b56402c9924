// Planning at size: the whole of MakePlan on synthetic fleets, and its costly part alone, the
// partition of chains, beside what rules in use do to the same fleet. Each doubling of the images
// shows how the time grows. Counters: gap, the cost of each rule as a ratio to the plan's, peak
// memory of the process.
#include <sys/resource.h>

#include <cstdint>
#include <utility>

#include <benchmark/benchmark.h>

#include "bench/synthesize.h"
#include "planner/plan/plan.h"

namespace gneiss {
namespace {

// Fleets are made once a size; nothing but planning is timed.
const Fleet& SyntheticFleetOf(std::int64_t num_images, bool details) {
  static std::pair<std::int64_t, bool> made = {-1, false};
  static Fleet fleet;
  if (made != std::pair(num_images, details)) {
    FleetBuilder builder;
    AddSyntheticFleet({.num_images = num_images, .seed = 1, .details = details}, builder);
    fleet = builder.Build();
    made = {num_images, details};
  }
  return fleet;
}

double PeakMebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts KiB
}

void RunMakePlan(benchmark::State& state, bool details) {
  const Fleet& fleet = SyntheticFleetOf(state.range(0), details);
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

void BM_MakePlan(benchmark::State& state) { RunMakePlan(state, false); }
BENCHMARK(BM_MakePlan)
    ->RangeMultiplier(2)
    ->Range(62'500, 1'000'000)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

// With instructions, labels, diff_ids and dates, in which drift is looked for.
void BM_MakePlanWithDetails(benchmark::State& state) { RunMakePlan(state, true); }
BENCHMARK(BM_MakePlanWithDetails)
    ->RangeMultiplier(2)
    ->Range(62'500, 250'000)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

void BM_PlanSquash(benchmark::State& state) {
  const Fleet& fleet = SyntheticFleetOf(state.range(0), false);
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
