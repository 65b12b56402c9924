// The distributions that say whether a fleet looks like a real one, measured on any Fleet, beside
// those measured on 38,784 images of Docker Hub.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "planner/fleet/fleet.h"

namespace gneiss {

inline constexpr std::array<double, 7> kShapeQuantiles = {.25, .50, .75, .90, .95, .99, 1.0};

struct FleetShape {
  std::int64_t num_images = 0;
  std::int64_t num_refs = 0;
  std::int64_t num_layers = 0;
  std::int64_t num_slots = 0;  // layer references, repeats included
  std::int64_t num_repositories = 0;

  std::array<double, 7> layers_per_image{};     // at kShapeQuantiles
  std::array<double, 6> megabytes_per_image{};  // at the first six of kShapeQuantiles; 10^6 bytes
  // Layer sizes against Docker Hub's law (LayerSizeLaw): largest distance of the two distribution
  // functions, and share of layers under 100 KB among distinct layers.
  double layer_size_distance = 0;
  double megabytes_per_layer = 0;  // mean over distinct layers
  double small_layers = 0;
  // Of distinct layers, by the number of images that hold them.
  double used_once = 0;
  double used_twice = 0;
  double used_over_10 = 0;
  double used_over_50 = 0;
  double logical_over_physical = 0;  // layer bytes, a repeated layer once per image
  // Probability that slot i of n is held by another image too, by decile floor(10 i / n).
  std::array<double, 10> shared_by_depth{};
  double twin_diff_ids = 0;     // diff_ids with two digests or more, of all diff_ids
  double under_base = 0;        // distinct chains with a proper prefix that is some image's chain
  double repeating_images = 0;  // images that hold a layer more than once
  double tags_per_repository_p50 = 0;
  double tags_per_repository_p90 = 0;
};

// P(layer size <= size) for Docker Hub: 0.42 lognormal(7.03, 1.85) cut at 100 KB, else
// lognormal(16.42, 2.26) cut at 9 GB.
[[nodiscard]] double LayerSizeLaw(double size);

// Docker Hub's figures. Zero where nothing was published: counts, repeating_images.
[[nodiscard]] const FleetShape& DockerHubShape();

// Time O(slots + n log n). Ratios of nothing are 0. Images without layers count as images of 0
// bytes.
[[nodiscard]] FleetShape MeasureShape(const Fleet& fleet);

// A table of `measured` beside `target`, one line a figure.
[[nodiscard]] std::string FormatShape(const FleetShape& measured, const FleetShape& target);

}  // namespace gneiss
