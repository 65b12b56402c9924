// Recommendations as JSON, as every report that has some writes them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/json/json_writer.h"
#include "planner/plan/plan.h"

namespace gneiss {

// "join", "rebase", "new base" or "carve".
[[nodiscard]] std::string_view RecommendationKindName(RecommendationKind kind);

// As gneiss.plan/1 has it. REQUIRES: `r` is one of `plan`, made of `fleet`.
[[nodiscard]] Json RecommendationJson(const Fleet& fleet, const Plan& plan,
                                      const Recommendation& r);

[[nodiscard]] Json DigestsJson(const Fleet& fleet, std::span<const LayerIndex> layers);
// First refs, or digests of images without one.
[[nodiscard]] Json ImageNamesJson(const Fleet& fleet, const std::vector<ImageIndex>& images);
// Of the layer at a place in a GeneratedLayout: "L1" for the first.
[[nodiscard]] std::string NewLayerId(std::uint32_t layer);

}  // namespace gneiss
