#include "io/report/whole/report_images.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "io/report/fleet/instruction.h"

namespace gneiss {
namespace {

constexpr std::size_t kLayerStepColumns = 120;

// What every segment of a squash layout weighs; equal lists of layers are weighed once.
std::vector<Bytes> WeighSegments(const Fleet& fleet, const Plan& plan) {
  std::optional<MergedSizes> sizes;
  if (plan.contents != nullptr) sizes.emplace(fleet, *plan.contents);
  std::map<std::vector<LayerIndex>, Bytes> known;
  std::vector<Bytes> weights;
  weights.reserve(plan.squash.layout.lengths.size());
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    auto rest = fleet.chain(fleet.images[i]);
    for (const std::uint32_t length : plan.squash.layout.of(i)) {
      const auto segment = rest.first(length);
      rest = rest.subspan(length);
      if (length == 1) {
        weights.push_back(SumOfSizes(fleet, segment));
        continue;
      }
      const auto [found, is_new] =
          known.try_emplace(std::vector<LayerIndex>(segment.begin(), segment.end()), 0);
      if (is_new) found->second = sizes ? sizes->Of(segment) : SumOfSizes(fleet, segment);
      weights.push_back(found->second);
    }
  }
  return weights;
}

}  // namespace

ReportImages::ReportImages(const FleetReport& report, std::size_t listed)
    : report_(report),
      listed_(std::span(report.stat.images_by_share).first(listed)),
      place_of_image_(report.fleet.images.size(), kNone),
      place_of_layer_(report.fleet.layers.size(), kNone),
      joined_sizes_(WeighSegments(report.fleet, report.plan)) {
  for (std::uint32_t place = 0; place < listed_.size(); ++place) {
    const ImageIndex i = listed_[place];
    place_of_image_[i] = place;
    for (const LayerIndex l : report.fleet.chain(report.fleet.images[i])) {
      if (place_of_layer_[l] != kNone) continue;
      place_of_layer_[l] = static_cast<std::uint32_t>(layers_.size());
      layers_.push_back(l);
    }
  }
  const auto& contents = report.plan.from_contents;
  if (!contents) return;
  const std::size_t num_images = report.fleet.images.size();
  if (contents->bases) bases_of_ = contents->bases->plan.layout.LayersOfImages(num_images);
  if (contents->carve) carved_of_ = contents->carve->layout.LayersOfImages(num_images);
}

Json ReportImages::PlacesOf(const std::vector<ImageIndex>& images, std::size_t most) const {
  Json places = Json::array();
  for (const ImageIndex i : images) {
    if (places.size() == most) break;
    if (place_of_image_[i] != kNone) places.push_back(place_of_image_[i]);
  }
  return places;
}

void ReportImages::Write(JsonWriter& json) const {
  json.Key("images");
  json.BeginArray();
  for (const ImageIndex i : listed_) json.Value(ImageRow(i));
  json.EndArray();
  json.Field("images_left_out", LeftOutJson());
  json.Key("layers");
  json.BeginArray();
  for (const LayerIndex l : layers_) json.Value(LayerRow(l));
  json.EndArray();
  json.Key("new_layers");
  json.BeginObject();
  if (const auto& contents = report_.plan.from_contents) {
    if (contents->bases) {
      json.Key("bases");
      WriteNewLayers(contents->bases->plan, json);
    }
    if (contents->carve) {
      json.Key("carve");
      WriteNewLayers(*contents->carve, json);
    }
  }
  json.EndObject();
}

Json ReportImages::ImageRow(ImageIndex i) const {
  const Fleet& fleet = report_.fleet;
  const Image& image = fleet.images[i];
  const Account& account = report_.stat.accounting.images[i];
  Json refs = Json::array();
  for (const TextIndex ref : fleet.refs_of(image)) refs.push_back(fleet.text(ref));
  Json layers = Json::array();
  for (const LayerIndex l : fleet.chain(image)) layers.push_back(place_of_layer_[l]);
  Json row = {{"name", fleet.name(image)}, {"platform", fleet.text(image.platform)}};
  if (refs.size() > 1) row["refs"] = std::move(refs);
  row["pulls"] = image.pulls;
  row["logical_bytes"] = report_.stat.accounting.logical[i];
  row["exclusive_bytes"] = account.exclusive;
  row["proportional_bytes"] = account.proportional;
  if (report_.waste) row["needless_bytes"] = report_.waste->images[i].needless_bytes;
  row["layers"] = std::move(layers);
  row["planned"] = PlannedJson(i);
  return row;
}

Json ReportImages::PlannedJson(ImageIndex i) const {
  const Layout& layout = report_.plan.squash.layout;
  Json squash = Json::array();
  for (std::uint64_t s = layout.first[i]; s < layout.first[i + 1]; ++s) {
    squash.push_back({layout.lengths[s], joined_sizes_[s]});
  }
  Json planned = {{"squash", std::move(squash)}};
  const auto& contents = report_.plan.from_contents;
  if (!contents || contents->atoms.known[i] == 0) return planned;
  if (contents->bases) planned["bases"] = bases_of_[i];
  if (contents->carve) planned["carve"] = carved_of_[i];
  return planned;
}

Json ReportImages::LeftOutJson() const {
  Bytes logical = 0;
  Bytes exclusive = 0;
  Bytes proportional = 0;
  const auto rest = std::span(report_.stat.images_by_share).subspan(listed_.size());
  for (const ImageIndex i : rest) {
    const Account& account = report_.stat.accounting.images[i];
    logical = CheckedAdd(logical, report_.stat.accounting.logical[i]);
    exclusive = CheckedAdd(exclusive, account.exclusive);
    proportional = CheckedAdd(proportional, account.proportional);
  }
  return {{"images", rest.size()},
          {"logical_bytes", logical},
          {"exclusive_bytes", exclusive},
          {"proportional_bytes", proportional}};
}

Json ReportImages::LayerRow(LayerIndex l) const {
  const Layer& layer = report_.fleet.layers[l];
  Json row = {{"digest", report_.fleet.digest_text(layer)},
              {"size", layer.size},
              {"images", report_.today.holders_of(l).size()}};
  if (layer.foreign) row["foreign"] = true;
  if (report_.waste) row["needless_bytes"] = report_.waste->layer_needless[l];
  if (layer.created_by != 0) {
    row["created_by"] = PrettyInstruction(report_.fleet.text(layer.created_by), kLayerStepColumns);
  }
  return row;
}

void ReportImages::WriteNewLayers(const GeneratedPlan& plan, JsonWriter& json) const {
  json.BeginArray();
  for (const GeneratedLayer& layer : plan.layout.layers) {
    json.Value({{"size", layer.size()}, {"images", layer.images.size()}});
  }
  json.EndArray();
}

}  // namespace gneiss
