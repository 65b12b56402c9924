#include "planner/plan/planned_fleet.h"

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "planner/carve/layer_description.h"
#include "planner/contents/merged_size.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet_builder.h"

namespace gneiss {
namespace {

// A layer of the planned fleet, with the texts that its record is to view.
struct PlannedLayer {
  LayerRecord record;
  std::string created_by;
  std::string digest_text;  // where the digest is not verifiable
};

class PlannedFleetMaker {
 public:
  PlannedFleetMaker(const Fleet& fleet, const Plan& plan) : fleet_(fleet), plan_(plan) {}

  Fleet Squash() {
    std::optional<MergedSizes> sizes;
    if (plan_.contents != nullptr) sizes.emplace(fleet_, *plan_.contents);
    const Layout& layout = plan_.squash.layout;
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      std::vector<PlannedLayer> layers;
      auto rest = fleet_.chain(fleet_.images[i]);
      for (const std::uint32_t length : layout.of(i)) {
        const auto segment = rest.first(length);
        rest = rest.subspan(length);
        layers.push_back(length == 1 ? Kept(segment.front()) : Joined(segment, sizes));
      }
      Add(i, layers);
    }
    return builder_.Build();
  }

  Fleet Generated(const GeneratedPlan& generated, const char* level) {
    const ContentPlan& contents = *plan_.from_contents;
    std::vector<PlannedLayer> made;
    for (const GeneratedLayer& layer : generated.layout.layers) {
      std::string parts;
      for (const EntryRun& run : EntriesOfLayer(contents.atoms, *plan_.contents, layer)) {
        parts += fleet_.digest_text(fleet_.layers[run.layer]);
        for (const std::uint32_t position : run.positions) parts += fmt::format(" {}", position);
        parts += '\n';
      }
      // Layers of one content that other images have are not one blob.
      for (const ImageIndex i : layer.images) parts += fleet_.name(fleet_.images[i]) + "\n";
      made.push_back({.record = {.digest = Sha256(parts), .size = layer.size()},
                      .created_by = fmt::format("{} layer L{}", level, made.size() + 1)});
    }
    const auto of_image = generated.layout.LayersOfImages(fleet_.images.size());
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      std::vector<PlannedLayer> layers;
      if (contents.atoms.known[i] == 0) {
        for (const LayerIndex l : fleet_.chain(fleet_.images[i])) layers.push_back(Kept(l));
      }
      for (const std::uint32_t j : of_image[i]) layers.push_back(made[j]);
      Add(i, layers);
    }
    return builder_.Build();
  }

 private:
  PlannedLayer Kept(LayerIndex l) const {
    const Layer& layer = fleet_.layers[l];
    PlannedLayer kept{.record = {.digest = layer.digest,
                                 .verifiable = layer.verifiable,
                                 .foreign = layer.foreign,
                                 .size = layer.size},
                      .created_by = std::string(fleet_.text(layer.created_by))};
    if (!layer.verifiable) kept.digest_text = fleet_.digest_text(layer);
    if (layer.diff_id != kNone) kept.record.diff_id = fleet_.diff_ids[layer.diff_id];
    return kept;
  }

  PlannedLayer Joined(std::span<const LayerIndex> segment,
                      std::optional<MergedSizes>& sizes) const {
    std::string parts;
    for (const LayerIndex l : segment) parts += fleet_.digest_text(fleet_.layers[l]) + "\n";
    const Bytes size = sizes ? sizes->Of(segment) : SumOfSizes(fleet_, segment);
    return {.record = {.digest = Sha256(parts), .size = size},
            .created_by = fmt::format("{} layers joined", segment.size())};
  }

  void Add(ImageIndex i, const std::vector<PlannedLayer>& layers) {
    const Image& image = fleet_.images[i];
    ImageRecord record;
    record.platform = fleet_.text(image.platform);
    record.is_windows = image.is_windows;
    record.manifest_digest = image.identity;
    record.pulls = image.pulls;
    for (const PlannedLayer& layer : layers) {
      record.layers.push_back(layer.record);
      record.layers.back().created_by = layer.created_by;
      record.layers.back().digest_text = layer.digest_text;
    }
    // Values given on several refs of one image add up: the first has them all.
    for (const TextIndex ref : fleet_.refs_of(image)) {
      record.ref = fleet_.text(ref);
      builder_.Add(record);
      record.pulls = 0;
    }
    if (image.num_refs == 0) builder_.Add(record);
  }

  const Fleet& fleet_;
  const Plan& plan_;
  FleetBuilder builder_;
};

}  // namespace

Fleet MakePlannedFleet(const Fleet& fleet, const Plan& plan, PlanLevel level) {
  PlannedFleetMaker maker(fleet, plan);
  if (level == PlanLevel::kToday) return fleet;
  if (level == PlanLevel::kSquash) return maker.Squash();
  const auto& contents = plan.from_contents;
  if (level == PlanLevel::kBases && contents && contents->bases) {
    return maker.Generated(contents->bases->plan, "bases");
  }
  if (level == PlanLevel::kCarve && contents && contents->carve) {
    return maker.Generated(*contents->carve, "carve");
  }
  throw InputError("the plan has no such level: the contents of no image are known");
}

}  // namespace gneiss
