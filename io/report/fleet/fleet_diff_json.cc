#include <utility>

#include "io/json/json_writer.h"
#include "io/report/fleet/fleet_diff.h"

namespace gneiss {
namespace {

Json GrowthJson(const Growth& growth) {
  return {{"new_bytes", growth.added}, {"gone_bytes", growth.gone}, {"net_bytes", growth.net()}};
}

Json SideTotalsJson(const FleetTotals& totals) {
  return {{"images", totals.images},
          {"refs", totals.refs},
          {"layers", totals.layers},
          {"logical_bytes", totals.logical_bytes},
          {"physical_bytes", totals.physical_bytes}};
}

Json CausesJson(const GrowthByCause& causes) {
  Json rows = Json::array();
  for (std::size_t c = 0; c < kNumChangeCauses; ++c) {
    if (causes[c].is_zero()) continue;
    Json row = {{"cause", ChangeCauseName(static_cast<ChangeCause>(c))}};
    row.update(GrowthJson(causes[c]));
    rows.push_back(std::move(row));
  }
  return rows;
}

Json CountsJson(const std::array<std::int64_t, kNumChangeKinds>& counts) {
  Json json;
  for (std::size_t k = 0; k < kNumChangeKinds; ++k) {
    json[std::string(ChangeKindName(static_cast<ChangeKind>(k)))] = counts[k];
  }
  return json;
}

Json ManifestJson(const Fleet& fleet, ImageIndex i) {
  const Image& image = fleet.images[i];
  Json json = Json::object();
  if (image.has_manifest_digest) {
    json["manifest_digest"] = fleet.digest_text(image.identity, false);
  }
  json["layers"] = image.num_layers;
  return json;
}

// The layers of the chain from `first` on.
Json LayersJson(const Fleet& fleet, const Image& image, std::uint32_t first) {
  Json layers = Json::array();
  for (const LayerIndex l : fleet.chain(image).subspan(first)) {
    const Layer& layer = fleet.layers[l];
    Json json = {{"digest", fleet.digest_text(layer)}, {"size", layer.size}};
    if (layer.created_by != 0) json["created_by"] = fleet.text(layer.created_by);
    layers.push_back(std::move(json));
  }
  return layers;
}

Json ImageDiffJson(const Fleet& before, const Fleet& after, const ImageDiff& image) {
  const ImageChange& change = image.change;
  const bool is_there = change.after != kNone;
  const Fleet& fleet = is_there ? after : before;
  const Image& named = fleet.images[is_there ? change.after : change.before];
  Json json = {{"change", ChangeKindName(change.kind)}};
  if (change.kind != ChangeKind::kUnchanged) json["cause"] = ChangeCauseName(change.cause);
  json["repository"] = change.repository;
  json["refs"] = change.refs;
  if (named.platform != 0) json["platform"] = fleet.text(named.platform);
  if (change.before != kNone) json["before"] = ManifestJson(before, change.before);
  if (is_there) json["after"] = ManifestJson(after, change.after);
  if (change.kind == ChangeKind::kMoved) {
    json["same_layers"] = change.num_same;
    json["base_layers_before"] = change.base_before;
    json["base_layers_after"] = change.base_after;
    json["layers_before"] = LayersJson(before, before.images[change.before], change.num_same);
    json["layers_after"] = LayersJson(after, after.images[change.after], change.num_same);
  }
  json.update(GrowthJson(image.growth));
  json["brings_bytes"] = image.brings;
  json["by_cause"] = CausesJson(image.by_cause);
  return json;
}

}  // namespace

void WriteFleetDiffJson(const Fleet& before, const Fleet& after, const FleetDiff& diff,
                        std::int64_t bad_images, std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.diff/1");
  json.Field("kind", "fleets");
  json.Field("scope", ScopeName(diff.scope));
  json.Field("layers_only", diff.layers_only);
  json.Field("bad_images", bad_images);
  json.Field("before", SideTotalsJson(diff.before));
  json.Field("after", SideTotalsJson(diff.after));
  json.Field("growth", GrowthJson(diff.growth));
  json.Field("changes", CountsJson(diff.num_changes));
  json.Key("by_cause");
  json.BeginArray();
  for (const Json& row : CausesJson(diff.by_cause)) json.Value(row);
  json.EndArray();
  json.Key("by_repository");
  json.BeginArray();
  for (const RepositoryDiff& repository : diff.repositories) {
    Json row = {{"name", repository.name}};
    row.update(CountsJson(repository.num_changes));
    row.update(GrowthJson(repository.growth));
    json.Value(row);
  }
  json.EndArray();
  json.Key("images");
  json.BeginArray();
  for (const ImageDiff& image : diff.images) json.Value(ImageDiffJson(before, after, image));
  json.EndArray();
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
