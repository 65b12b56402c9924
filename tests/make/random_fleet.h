// Small random fleets for property tests: few layers, so that images share, with repeated digests,
// images of equal chains, refs in several repositories and namespaces, empty chains and layers.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "planner/fleet/fleet_builder.h"

namespace gneiss {

// What a random fleet was made of, to build it again without some of its images.
struct RandomImage {
  std::string manifest;
  std::vector<std::string> refs;
  std::vector<std::uint32_t> layers;
  Bytes config_size = kUnknownSize;
  Bytes manifest_size = kUnknownSize;
  std::uint32_t config = 0;
  std::string platform;
};

struct RandomFleet {
  std::vector<Bytes> layer_sizes;
  std::vector<RandomImage> images;
};

inline RandomFleet MakeRandomFleet(std::mt19937_64& random, int max_images = 6) {
  const auto below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(random() % n); };
  RandomFleet made;
  const std::uint32_t num_layers = 1 + below(7);
  for (std::uint32_t l = 0; l < num_layers; ++l) {
    made.layer_sizes.push_back(below(5) == 0 ? 0 : static_cast<Bytes>(below(1000)));
  }
  const std::uint32_t num_images = 1 + below(static_cast<std::uint64_t>(max_images));
  for (std::uint32_t i = 0; i < num_images; ++i) {
    RandomImage image;
    image.manifest = "manifest " + std::to_string(i);
    const std::uint32_t num_refs = below(4);
    for (std::uint32_t r = 0; r < num_refs; ++r) {
      const std::string name_space = below(2) == 0 ? "" : "team" + std::to_string(below(2)) + "/";
      image.refs.push_back(name_space + "app" + std::to_string(below(3)) + ":" + std::to_string(i) +
                           std::to_string(r));
    }
    // Chains grow out of each other, so that there are prefixes to share.
    if (i > 0 && below(3) != 0) image.layers = made.images[below(i)].layers;
    const std::uint32_t more = below(4);
    for (std::uint32_t l = 0; l < more; ++l) image.layers.push_back(below(num_layers));
    if (below(3) != 0) image.manifest_size = static_cast<Bytes>(below(50));
    image.config = below(4);
    // Whether a config's size is known is the same for all its images.
    if (image.config != 0) image.config_size = static_cast<Bytes>(10 + image.config);
    image.platform = below(2) == 0 ? "linux/amd64" : "linux/arm64";
    made.images.push_back(std::move(image));
  }
  return made;
}

// The fleet of the images whose bit in `omit` is not set.
inline Fleet BuildRandomFleet(const RandomFleet& made, std::uint64_t omit = 0) {
  FleetBuilder builder;
  for (std::size_t i = 0; i < made.images.size(); ++i) {
    if ((omit >> i & 1) != 0) continue;
    const RandomImage& image = made.images[i];
    ImageRecord record;
    record.manifest_digest = Sha256(image.manifest);
    record.manifest_size = image.manifest_size;
    record.platform = image.platform;
    record.config_digest = Sha256("config " + std::to_string(image.config));
    record.config_size = image.config_size;
    for (const std::uint32_t l : image.layers) {
      LayerRecord layer;
      layer.digest = Sha256("layer " + std::to_string(l));
      layer.size = made.layer_sizes[l];
      record.layers.push_back(layer);
    }
    if (image.refs.empty()) builder.Add(record);
    for (const std::string& ref : image.refs) {
      record.ref = ref;
      builder.Add(record);
    }
  }
  return builder.Build();
}

// Index in `fleet` of image `i` of `made`, kNone when it was left out.
inline ImageIndex IndexIn(const Fleet& fleet, const RandomFleet& made, std::size_t i) {
  const Digest identity = Sha256(made.images[i].manifest);
  for (ImageIndex index = 0; index < fleet.images.size(); ++index) {
    if (fleet.images[index].identity == identity) return index;
  }
  return kNone;
}

}  // namespace gneiss
