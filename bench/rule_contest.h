// Rules in use against carving, on the same contents and with the same limit of layers an image:
// what each stores, moves and costs, with the directories that its layers must list.
//
// Carving has one answer for each column: the layers chosen for storage alone, for transfer alone,
// and for the cost that the model weighs them into. A rule, having one answer, is put beside the
// one that was made for the column: so a rule that is better anywhere shows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/origin_atoms.h"
#include "planner/contents/content_atoms.h"
#include "planner/cost/audit.h"
#include "planner/cost/cost_model.h"
#include "planner/cost/today.h"

namespace gneiss {

// Everything a contest needs; the caller keeps all of it alive.
struct ContestFleet {
  const Fleet& fleet;
  const LayerContents& contents;
  const CostModel& model;
  const Today& today;
  const ContentAtoms& atoms;
  const OriginAtoms& origins;  // `atoms` as the rules see them
  const FleetRates& rates;     // of `model`
};

struct ContestEntry {
  std::string name;
  LayoutCost cost;            // of the layers with their directories, and of images not known
  Bytes file_bytes = 0;       // stored without directories
  double seconds = 0;         // to choose the layers
  bool wins_storage = false;  // less than carving for storage alone
  bool wins_transfer = false;
  bool wins_cost = false;
};

struct Contest {
  std::uint32_t max_layers = 0;
  // Carving for the model's cost, for storage alone, for transfer alone.
  ContestEntry for_cost;
  ContestEntry for_storage;
  ContestEntry for_transfer;
  std::vector<ContestEntry> rules;  // in the order of kLayerRules
};

// `clock`: seconds since some moment. REQUIRES: max_layers >= 1. Throws what CostOfGeneratedLayout
// throws, and std::logic_error where carving costs other than it says.
[[nodiscard]] Contest HoldContest(const ContestFleet& fleet, std::uint32_t max_layers,
                                  const std::function<double()>& clock);

// What layers chosen from `atoms`, those of the fleet or of its origins, come to with their
// directories.
[[nodiscard]] ContestEntry MakeContestEntry(const ContestFleet& fleet, const ContentAtoms& atoms,
                                            std::string name,
                                            const std::vector<CarvedLayer>& layers,
                                            std::uint32_t max_layers);

// An answer from elsewhere: sets the marks of `entry` where it beats carving's.
void MarkWins(const Contest& contest, ContestEntry& entry);

}  // namespace gneiss
