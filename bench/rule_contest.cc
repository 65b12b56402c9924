#include "bench/rule_contest.h"

#include <utility>

#include "planner/carve/generated_layout.h"
#include "solver/carving/layer_carving.h"

namespace gneiss {
namespace {

ContestEntry CarveFor(const ContestFleet& fleet, std::string name, const RateModel& rates,
                      std::uint32_t max_layers, const std::function<double()>& clock) {
  const double begin = clock();
  CarveOptions options;
  options.max_layers = max_layers;
  const LayerCarving carving = CarveLayers(fleet.atoms.files.atoms, rates, options);
  const double seconds = clock() - begin;
  RequireEqual("the cost of carved layers", carving.cost,
               CostOfLayers(fleet.atoms.files.atoms, rates, carving.layers));
  ContestEntry entry =
      MakeContestEntry(fleet, fleet.atoms, std::move(name), carving.layers, max_layers);
  entry.seconds = seconds;
  return entry;
}

}  // namespace

ContestEntry MakeContestEntry(const ContestFleet& fleet, const ContentAtoms& atoms,
                              std::string name, const std::vector<CarvedLayer>& layers,
                              std::uint32_t max_layers) {
  ContestEntry entry{.name = std::move(name)};
  const GeneratedLayout layout = MakeGeneratedLayout(atoms, fleet.contents, layers, max_layers);
  entry.cost = CostOfGeneratedLayout(fleet.fleet, fleet.model, fleet.today.cells, atoms, layout);
  RateModel storage = fleet.rates.model();
  storage.storage_weight = 1;
  storage.fetch_weight = 0;
  storage.layer_overhead = 0;
  entry.file_bytes = CostOfLayers(atoms.files.atoms, storage, layers);
  return entry;
}

void MarkWins(const Contest& contest, ContestEntry& entry) {
  entry.wins_storage = entry.cost.storage_bytes < contest.for_storage.cost.storage_bytes;
  entry.wins_transfer = entry.cost.transfer_bytes < contest.for_transfer.cost.transfer_bytes;
  entry.wins_cost = entry.cost.cost < contest.for_cost.cost.cost;
}

Contest HoldContest(const ContestFleet& fleet, std::uint32_t max_layers,
                    const std::function<double()>& clock) {
  Contest contest{.max_layers = max_layers};
  RateModel model = fleet.rates.model();
  contest.for_cost = CarveFor(fleet, "carve", model, max_layers, clock);
  model.layer_overhead = 0;
  model.storage_weight = 1;
  model.fetch_weight = 0;
  contest.for_storage = CarveFor(fleet, "carve for storage", model, max_layers, clock);
  model.storage_weight = 0;
  model.fetch_weight = 1;
  contest.for_transfer = CarveFor(fleet, "carve for transfer", model, max_layers, clock);
  for (const LayerRule rule : kLayerRules) {
    const double begin = clock();
    const std::vector<CarvedLayer> layers =
        ApplyLayerRule(rule, fleet.origins.atoms.files.atoms, fleet.origins.traits, max_layers);
    const double seconds = clock() - begin;
    ContestEntry entry = MakeContestEntry(fleet, fleet.origins.atoms,
                                          std::string(LayerRuleName(rule)), layers, max_layers);
    entry.seconds = seconds;
    MarkWins(contest, entry);
    contest.rules.push_back(std::move(entry));
  }
  return contest;
}

}  // namespace gneiss
