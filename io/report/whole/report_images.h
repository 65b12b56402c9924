// The images of a report with their layers, today's and planned ones: what the page looks up when
// somebody asks for one image. Lists refer to each other by place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "io/json/json_writer.h"
#include "io/report/whole/fleet_report.h"
#include "planner/carve/content_problem.h"
#include "planner/contents/merged_size.h"

namespace gneiss {

class ReportImages {
 public:
  // The `listed` images with the largest shares. Keeps a view of `report`.
  ReportImages(const FleetReport& report, std::size_t listed);

  // Places in the list of those that are in it, in the order given, at most `most`.
  [[nodiscard]] Json PlacesOf(const std::vector<ImageIndex>& images, std::size_t most) const;

  // Members "images", "images_left_out", "layers" and "new_layers" of the object that `json` has
  // open.
  void Write(JsonWriter& json) const;

 private:
  Json ImageRow(ImageIndex i) const;
  Json PlannedJson(ImageIndex i) const;
  Json LeftOutJson() const;
  Json LayerRow(LayerIndex l) const;
  void WriteNewLayers(const GeneratedPlan& plan, JsonWriter& json) const;

  const FleetReport& report_;
  std::span<const ImageIndex> listed_;
  std::vector<std::uint32_t> place_of_image_;  // kNone: not listed
  std::vector<std::uint32_t> place_of_layer_;
  std::vector<LayerIndex> layers_;
  std::vector<Bytes> joined_sizes_;                   // by segment of the squash layout
  std::vector<std::vector<std::uint32_t>> bases_of_;  // by image, layers of the bases level
  std::vector<std::vector<std::uint32_t>> carved_of_;
};

}  // namespace gneiss
