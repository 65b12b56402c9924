#include "io/apply/apply_report.h"

#include <cmath>

#include "io/json/json_writer.h"

namespace gneiss {

const AppliedLayer* ApplyReport::Worst() const {
  const AppliedLayer* worst = nullptr;
  for (const AppliedLayer& layer : new_layers) {
    if (layer.size < kLargeLayerBytes && layer.predicted < kLargeLayerBytes) continue;
    if (worst == nullptr || std::abs(ErrorOf(layer)) > std::abs(ErrorOf(*worst))) worst = &layer;
  }
  return worst;
}

namespace {

Json FiguresJson(const LayoutFigures& figures) {
  return {{"storage_bytes", figures.storage_bytes},
          {"distinct_layers", figures.distinct_layers},
          {"layer_references", figures.layer_references}};
}

Json AppliedLayerJson(const AppliedLayer& layer) {
  Json json = Json::object();
  if (layer.id.empty()) {
    json["joined_layers"] = layer.num_joined;
  } else {
    json["id"] = layer.id;
  }
  json["digest"] = layer.digest;
  json["diff_id"] = layer.diff_id;
  json["images"] = layer.num_images;
  json["predicted"] = layer.predicted;
  json["size"] = layer.size;
  json["uncompressed_size"] = layer.tar_size;
  return json;
}

}  // namespace

void WriteApplyJson(const ApplyReport& report, std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.apply/1");
  json.Field("level", report.level);
  json.Field("compression", report.codec);
  json.Field("compression_level", report.compression_level);
  json.Field("images", report.images);
  json.Field("rewritten_images", report.rewritten_images);
  json.Field("images_not_planned", report.images_not_planned);
  json.Field("new_bases", report.new_bases);
  json.Field("left_out_manifests", report.left_out);
  json.Field("kept_layers", report.kept_layers);
  json.Field("before", FiguresJson(report.before));
  json.Field("predicted", FiguresJson(report.predicted));
  json.Field("written", FiguresJson(report.after));
  json.Key("left_out");
  json.BeginArray();
  for (const LeftOutImage& image : report.left_out_images) {
    json.Value(
        {{"ref", image.ref}, {"manifest_digest", image.manifest_digest}, {"why", image.why}});
  }
  json.EndArray();
  json.Key("new_layers");
  json.BeginArray();
  for (const AppliedLayer& layer : report.new_layers) json.Value(AppliedLayerJson(layer));
  json.EndArray();
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
