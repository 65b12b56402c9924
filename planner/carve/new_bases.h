// The bases level of a plan (design.md 5.2 b): common bases made from what images have in common,
// whoever built them. The merge tree of the fleet's contents, improved by local moves; an exact
// choice of its nodes that become layers. A node with several images below is a base for them;
// bases stand on bases; what an image has alone is its own layer on top.
//
// Nothing is given to an image that it does not have: bases hold what all of their images have.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "planner/carve/content_problem.h"
#include "planner/squash/recommendation.h"

namespace gneiss {

struct NewBase {
  std::uint32_t layer = 0;       // of the plan's layout, with its images
  std::uint32_t parent = kNone;  // the base that it stands on, into NewBases::bases
  Bytes size = 0;                // of the base image: its layer and those below it
  // Against the same plan without it, where each of the layers above has its contents.
  Bytes saves_cost = 0;
  Bytes saves_storage_bytes = 0;
  Bytes saves_transfer_bytes = 0;
  std::int64_t saves_layers = 0;  // in all manifests: none, or negative
};

// A point of the frontier: the best choice of so many bases (base_frontier.h).
struct BasesPoint {
  std::uint32_t num_bases = 0;
  LayoutCost cost;  // directories apart
};

struct NewBases {
  GeneratedPlan plan;                // its bound is that of the files: each stored once
  std::vector<NewBase> bases;        // parents first; saving most first among those of one parent
  std::vector<BasesPoint> frontier;  // num_bases ascending, cost falling
};

struct NewBasesOptions {
  std::uint32_t max_layers = 0;  // per image, >= 1
  std::uint32_t num_bases = 0;   // at most; 0: what is best
  bool wants_frontier = false;
  std::function<bool()> should_stop;  // may be empty
};

// Fleets of more images than this have no merge tree: it takes the square of their number.
inline constexpr std::int64_t kMaxMergeTreeImages = 5000;

// Throws what ContentProblem::Finish throws. REQUIRES: at most kMaxMergeTreeImages images.
[[nodiscard]] NewBases PlanNewBases(const ContentProblem& problem, const NewBasesOptions& options);

// One for each base, "N1" first: by what it saves in the plan. One that saves nothing by itself may
// be what others stand on.
[[nodiscard]] std::vector<Recommendation> RecommendNewBases(const NewBases& bases);

}  // namespace gneiss
