// Fleets of a few lines for tests: "ref[|platform] = layer:size layer:size ...".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "planner/fleet/fleet_builder.h"

namespace gneiss {

// Digest that a test's layer or manifest name stands for.
inline Digest NamedDigest(std::string_view name) { return Sha256(name); }

struct TinyImage {
  std::string ref;
  // "name:size", or "name:size=diff" with the name of a diff_id.
  std::vector<std::string> layers;
  std::string platform = "linux/amd64";
  std::int64_t pulls = 1;
  std::string created = {};
  std::vector<LabelRecord> labels = {};
  std::vector<PoolRecord> pools = {};
  std::string manifest = {};    // name of its digest; empty: the ref's
  std::string created_by = {};  // of every layer; empty: "step <layer name>"
  std::string media_type = {};
  std::string entry_point = {};
  std::string search_path = {};
  std::vector<StepRecord> steps = {};
};

inline Fleet MakeTinyFleet(const std::vector<TinyImage>& images,
                           FleetWarnings* warnings = nullptr) {
  FleetBuilder builder;
  for (const TinyImage& image : images) {
    ImageRecord record;
    record.ref = image.ref;
    record.platform = image.platform;
    record.manifest_digest = NamedDigest(
        "manifest " + (image.manifest.empty() ? image.ref + image.platform : image.manifest));
    record.pulls = image.pulls;
    record.created = image.created;
    record.entry_point = image.entry_point;
    record.search_path = image.search_path;
    record.labels = image.labels;
    record.steps = image.steps;
    record.pools = image.pools;
    std::vector<std::string> steps;
    steps.reserve(image.layers.size());
    for (const std::string& text : image.layers) {
      const std::size_t colon = text.find(':');
      const std::size_t equals = text.find('=');
      LayerRecord layer;
      const std::string name = text.substr(0, colon);
      layer.digest = NamedDigest(name);
      layer.size = std::stoll(text.substr(colon + 1, equals - colon - 1));
      if (equals != std::string::npos)
        layer.diff_id = NamedDigest("diff " + text.substr(equals + 1));
      steps.push_back(image.created_by.empty() ? "step " + name : image.created_by);
      layer.created_by = steps.back();
      layer.media_type = image.media_type;
      record.layers.push_back(layer);
    }
    builder.Add(record);
  }
  return builder.Build(warnings);
}

// Index of the image with this ref. REQUIRES: there is one.
inline ImageIndex IndexOf(const Fleet& fleet, std::string_view ref) {
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    for (const TextIndex r : fleet.refs_of(fleet.images[i])) {
      if (fleet.text(r) == ref) return i;
    }
  }
  return kNone;
}

}  // namespace gneiss
