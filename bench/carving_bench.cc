// Carving and merge trees at size: 500 images of 20,000 entries with the sharing of real ones, for
// several limits of layers per image. Counters, in bytes stored: cost, lower bound, what the chosen
// layers of the merge tree alone cost, the file-level bound; the gap; layers; moves; peak memory of
// the process. Every carving is recounted.
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/synthetic_atoms.h"
#include "solver/carving/layer_carving.h"
#include "solver/carving/merge_tree.h"
#include "solver/carving/merge_tree_layers.h"
#include "solver/carving/merge_tree_search.h"

namespace gneiss {
namespace {

// Storage alone.
struct Fleet500 {
  AtomTable atoms = MakeSyntheticAtoms({});
  std::vector<std::int64_t> pulls = std::vector<std::int64_t>(atoms.num_images, 1);
  RateModel model{.pulls = pulls};

  double file_level_bytes() const {
    double bytes = 0;
    for (const std::int64_t b : atoms.bytes) bytes += static_cast<double>(b);
    return bytes;
  }
};

const Fleet500& TheFleet() {
  static const Fleet500 fleet;
  return fleet;
}

bool CoversExactly(const AtomTable& atoms, const std::vector<CarvedLayer>& layers,
                   std::uint32_t max_layers) {
  std::vector<std::vector<std::uint32_t>> reached(atoms.size());
  std::vector<std::uint32_t> num_layers(atoms.num_images, 0);
  for (const CarvedLayer& layer : layers) {
    for (const std::uint32_t i : layer.images) {
      if (++num_layers[i] > max_layers) return false;
    }
    for (const AtomIndex a : layer.atoms) {
      reached[a].insert(reached[a].end(), layer.images.begin(), layer.images.end());
    }
  }
  for (AtomIndex a = 0; a < atoms.size(); ++a) {
    std::ranges::sort(reached[a]);
    if (!std::ranges::equal(reached[a], atoms.signature(a))) return false;
  }
  return true;
}

double PeakMemoryMebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts KiB
}

void BM_CarveLayers(benchmark::State& state) {
  const Fleet500& fleet = TheFleet();
  const auto max_layers = static_cast<std::uint32_t>(state.range(0));
  for (auto _ : state) {
    const LayerCarving carving = CarveLayers(fleet.atoms, fleet.model, {.max_layers = max_layers});
    if (carving.lower_bound > carving.cost ||
        !CoversExactly(fleet.atoms, carving.layers, max_layers)) {
      state.SkipWithError("the carving is none");
    }
    state.counters["cost"] = static_cast<double>(carving.cost);
    state.counters["bound"] = static_cast<double>(carving.lower_bound);
    state.counters["gap"] = carving.gap();
    state.counters["layers"] = static_cast<double>(carving.layers.size());
    state.counters["moves"] = static_cast<double>(carving.num_moves);
  }
  state.counters["atoms"] = static_cast<double>(fleet.atoms.size());
  state.counters["file_level"] = fleet.file_level_bytes();
  state.counters["MiB"] = PeakMemoryMebibytes();
}
BENCHMARK(BM_CarveLayers)
    ->ArgName("K")
    ->Arg(2)
    ->Arg(5)
    ->Arg(8)
    ->Arg(12)
    ->Arg(20)
    ->Arg(40)
    ->Unit(benchmark::kSecond)
    ->Iterations(1);

void BM_MergeTree(benchmark::State& state) {
  const Fleet500& fleet = TheFleet();
  const auto max_layers = static_cast<std::uint32_t>(state.range(0));
  for (auto _ : state) {
    SetRates rates(fleet.model);
    MergeTree tree(fleet.atoms, ImageOverlap(fleet.atoms));
    state.counters["greedy"] =
        static_cast<double>(TreeLayerProgram(tree, rates, max_layers).Choose().cost);
    RegraftSubtrees(tree, rates, {.max_layers = max_layers});
    TreeLayerProgram program(tree, rates, max_layers);
    const TreeLayers layers = program.Choose();
    state.counters["cost"] = static_cast<double>(layers.cost);
    state.counters["layers"] = static_cast<double>(layers.chosen.size());
    if (!CoversExactly(fleet.atoms, LayersOfTree(tree, layers), max_layers)) {
      state.SkipWithError("the layers of the tree are no carving");
    }
  }
  state.counters["file_level"] = fleet.file_level_bytes();
  state.counters["MiB"] = PeakMemoryMebibytes();
}
BENCHMARK(BM_MergeTree)
    ->ArgName("K")
    ->Arg(2)
    ->Arg(8)
    ->Arg(40)
    ->Unit(benchmark::kSecond)
    ->Iterations(1);

}  // namespace
}  // namespace gneiss
