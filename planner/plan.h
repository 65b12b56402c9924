// A plan for a fleet: its levels with cost, bound and proof, what to do, and what the fleet's bases
// are (design.md 5). The squash level, and the bases that are there, from manifests or contents;
// bases and carved layers made of contents, where these are known.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "planner/bases.h"
#include "planner/cost_model.h"
#include "planner/fleet.h"
#include "planner/generated_plan.h"
#include "planner/layer_contents.h"
#include "planner/layer_trie.h"
#include "planner/new_bases.h"
#include "planner/recommendation.h"
#include "planner/squash.h"

namespace gneiss {

struct PlanOptions {
  CostOptions cost;
  SquashOptions squash;
  // Which bases are versions of one, and whether images may move to older ones.
  std::vector<LineageRule> lineages;
  bool allow_older = false;
  // Levels made of contents; each takes squash.max_layers and squash.pins.
  bool wants_new_bases = true;
  bool wants_carve = true;
  std::uint32_t num_bases = 0;  // as NewBasesOptions
  bool ignore_mtime = false;    // entries that differ in their time only are one
  bool wants_frontier = false;
  // Polled while levels made of contents are improved; true ends that with the best so far. May be
  // empty.
  std::function<bool()> should_stop;
  // Called with what begins now, in a few words; may be empty.
  std::function<void(std::string_view stage)> on_stage;
};

// A point of a Pareto curve of carved layouts.
struct CarvePoint {
  std::uint32_t max_layers = 0;
  double storage_weight = 0;  // what the carving weighed; `cost` is in the plan's own model
  double transfer_weight = 0;
  LayoutCost cost;
};

// The levels made of contents.
struct ContentPlan {
  ContentAtoms atoms;             // what `bases` and `carve` speak of
  std::int64_t num_images = 0;    // with new layers; the others keep theirs
  LayoutCost floor;               // every file stored once (generated_plan.h)
  std::optional<NewBases> bases;  // none: not wanted, or too many images
  std::optional<GeneratedPlan> carve;
  std::vector<CarvePoint> by_layers;   // stored bytes against layers an image
  std::vector<CarvePoint> by_weights;  // stored against fetched bytes
};

struct Plan {
  CostModel model;
  const LayerContents* contents = nullptr;  // not owned; null: planned from manifests
  SquashPlan squash;                        // without its blobs: `joins` is what they were for
  std::vector<Recommendation> joins;        // of the squash level
  // What the usual advice costs, for comparison: every image one layer, and every image its base
  // (the nearest image below it) plus one layer.
  LayoutCost flattened;
  LayoutCost kept_base;
  BasesReport bases;
  std::vector<Recommendation> moves;         // of bases.drift
  std::optional<ContentPlan> from_contents;  // none where no image's contents are known
  std::vector<Recommendation> new_bases;     // of from_contents->bases
  std::vector<Recommendation> carved;        // of from_contents->carve: one, or none

  // All of them, what saves most for its effort first; weak ones last.
  [[nodiscard]] std::vector<const Recommendation*> Ranked() const;
};

// Plans, from manifests alone where `contents` is null. Throws what CostModel, PlanSquash,
// FindBases and PlanNewBases throw. REQUIRES: `contents` has the fleet's layers and outlives the
// plan.
[[nodiscard]] Plan MakePlan(const Fleet& fleet, const PlanOptions& options,
                            const LayerContents* contents = nullptr);

// Squash of all but the base, as builders' --squash does: the nearest image whose chain is a proper
// prefix stays one layer, the rest becomes another.
[[nodiscard]] Layout KeptBaseLayout(const Fleet& fleet, const LayerTrie& trie);

}  // namespace gneiss
