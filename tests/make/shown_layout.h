// What the images of a layout on disk show.
#pragma once

#include <map>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "io/scan/scan_fleet.h"
#include "io/source/source.h"
#include "planner/fleet/fleet_builder.h"
#include "tests/make/shown_files.h"

namespace gneiss {

struct ReadFleet {
  Fleet fleet;
  LayerBlobs blobs;

  explicit ReadFleet(const std::string& layout) {
    FleetBuilder builder;
    ReadReport report;
    ReadSource("oci:" + layout, {}, builder, report);
    REQUIRE(report.num_problems == 0);
    REQUIRE(report.missing_layer_blobs == 0);
    REQUIRE(report.warnings.empty());
    fleet = builder.Build();
    for (const auto& files : report.layouts) blobs.AddLayout(files);
  }

  // `odd`: layers may have what a scan warns of.
  LayerContents Scan(bool odd = false) const {
    LayerContents contents(fleet.layers.size());
    for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
      const Layer& layer = fleet.layers[l];
      const auto blob = blobs.Open(fleet.digest_text(layer), layer.size);
      ScannedLayer scanned = ScanLayer(*blob, ExpectedLayerOf(fleet, layer), {});
      REQUIRE(scanned.inventory.has_value());
      if (!odd) REQUIRE(scanned.inventory->warnings.empty());
      contents.Add(l, std::move(*scanned.inventory));
    }
    return contents;
  }
};

// By ref; blobs are held against their digests on the way.
inline std::map<std::string, ShownFiles> ShowImages(const std::string& layout, bool odd = false) {
  const ReadFleet read(layout);
  const LayerContents contents = read.Scan(odd);
  std::map<std::string, ShownFiles> shown;
  for (const Image& image : read.fleet.images) {
    const ShownFiles files = ShowFiles(contents, read.fleet.chain(image));
    for (const TextIndex ref : read.fleet.refs_of(image)) {
      shown[std::string(read.fleet.text(ref))] = files;
    }
  }
  return shown;
}

// By ref and path.
inline std::map<std::string, std::map<std::string, std::string>> ShowLayout(
    const std::string& layout) {
  std::map<std::string, std::map<std::string, std::string>> shown;
  for (auto& [ref, files] : ShowImages(layout)) shown[ref] = std::move(files.files);
  return shown;
}

}  // namespace gneiss
