// The carve level of a plan (design.md 5.3): which layers to make of a fleet's contents, whoever
// built them, so that no image has more than a given number and the fleet costs the least. The
// problem and the search are solver/layer_carving's.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "planner/carve/content_problem.h"
#include "planner/squash/recommendation.h"

namespace gneiss {

struct CarveLevelOptions {
  std::uint32_t max_layers = 0;  // per image, >= 1
  // Sets of images to start from as well, such as those of the layers of another plan; sorted.
  std::span<const std::vector<ImageIndex>> offered;
  std::function<bool()> should_stop;  // may be empty
};

// The bound is of all layouts with at most max_layers layers an image. Throws what
// ContentProblem::Finish throws.
[[nodiscard]] GeneratedPlan PlanCarve(const ContentProblem& problem,
                                      const CarveLevelOptions& options);

// "C1": to adopt the layers, whole; nothing where they save nothing.
[[nodiscard]] std::vector<Recommendation> RecommendCarving(const GeneratedPlan& plan);

}  // namespace gneiss
