// Recommendations in words: what to do, why, how, and at what risk. Plain text on one line each,
// safe to print.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/json/json_writer.h"
#include "io/text/format.h"
#include "planner/carve/layer_description.h"
#include "planner/plan/plan.h"

namespace gneiss {

[[nodiscard]] std::string_view EffortName(Effort effort);
[[nodiscard]] std::string_view LineageSignName(LineageSign sign);

struct RecommendationText {
  std::string title;
  std::string why;  // what shows that it saves; for a join, why the boundaries are where they are
  std::string how;  // what to do
  std::string risk;
};

// Sizes in `units`. REQUIRES: `recommendation` is one of `plan`, made of `fleet`.
[[nodiscard]] RecommendationText DescribeRecommendation(const Fleet& fleet, const Plan& plan,
                                                        const Recommendation& recommendation,
                                                        ByteUnits units);

// "python:3.6", "python (12 images)" or "debian:9 (12 images in 4 repositories)", after the image
// that leads. REQUIRES: `images` is not empty.
[[nodiscard]] std::string NameImages(const Fleet& fleet, ImageIndex lead,
                                     const std::vector<ImageIndex>& images);

// The command that installs the packages of these groups whose version is known, one for each
// package manager, joined with "&&". It installs them whole, where a base may hold some files of
// one only. Empty when there are none.
[[nodiscard]] std::string InstallCommand(const std::vector<ContentGroup>& groups);

// Which images and layers stay as they are in every level, and why: a line for each reason.
[[nodiscard]] std::vector<std::string> DescribeKept(const SquashPlan& squash);

// Recommendations as JSON, as every report that has some writes them.

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
