#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "io/report/plan/recommendation_text.h"

namespace gneiss {
namespace {

Json RunJson(const Fleet& fleet, const JoinedRun& run) {
  const Image& image = fleet.images[run.image];
  Json layers = Json::array();
  for (const LayerIndex l : fleet.chain(image).subspan(run.offset, run.length)) {
    const Layer& layer = fleet.layers[l];
    Json json = {{"digest", fleet.digest_text(layer)}, {"size", layer.size}};
    if (layer.created_by != 0) json["created_by"] = fleet.text(layer.created_by);
    layers.push_back(std::move(json));
  }
  return {{"image", fleet.name(image)},
          {"first_layer", run.offset + 1},
          {"size", run.size},
          {"hidden_bytes", run.hidden_bytes},
          {"deleted_bytes", run.deleted_bytes},
          {"replaced_bytes", run.replaced_bytes},
          {"repeated_bytes", run.repeated_bytes},
          {"images", run.num_images},
          {"layers", std::move(layers)}};
}

}  // namespace

std::string_view RecommendationKindName(RecommendationKind kind) {
  constexpr std::array<std::string_view, 4> kNames = {"join", "rebase", "new base", "carve"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string NewLayerId(std::uint32_t layer) { return fmt::format("L{}", layer + 1); }

Json DigestsJson(const Fleet& fleet, std::span<const LayerIndex> layers) {
  Json digests = Json::array();
  for (const LayerIndex l : layers) digests.push_back(fleet.digest_text(fleet.layers[l]));
  return digests;
}

Json ImageNamesJson(const Fleet& fleet, const std::vector<ImageIndex>& images) {
  Json names = Json::array();
  for (const ImageIndex i : images) names.push_back(fleet.name(fleet.images[i]));
  return names;
}

Json RecommendationJson(const Fleet& fleet, const Plan& plan, const Recommendation& r) {
  const RecommendationText text = DescribeRecommendation(fleet, plan, r, ByteUnits::kSi);
  Json json = {{"id", r.id},
               {"kind", RecommendationKindName(r.kind)},
               {"title", text.title},
               {"saves_cost", r.saves_cost},
               {"saves_storage_bytes", r.saves_storage_bytes},
               {"saves_transfer_bytes", r.saves_transfer_bytes},
               {"saves_layers", r.saves_layers},
               {"images", ImageNamesJson(fleet, r.images)},
               {"effort", EffortName(r.effort)},
               {"risk", text.risk},
               {"why", text.why},
               {"how", text.how}};
  if (r.kind == RecommendationKind::kJoin) {
    Json runs = Json::array();
    for (const JoinedRun& run : r.runs) runs.push_back(RunJson(fleet, run));
    json["runs"] = std::move(runs);
  } else if (r.kind == RecommendationKind::kNewBase) {
    json["layer"] = NewLayerId(plan.from_contents->bases->bases[r.base].layer);
  } else if (r.kind == RecommendationKind::kRebase) {
    const Drift& drift = plan.bases.drift[r.drift];
    json["sign"] = LineageSignName(drift.sign);
    json["weak"] = drift.weak();
    json["lineage"] = drift.lineage;
    json["from"] = {{"name", drift.from_name}, {"layers", DigestsJson(fleet, drift.from)}};
    json["to"] = {{"name", drift.to_name}, {"layers", DigestsJson(fleet, drift.to)}};
  }
  return json;
}

}  // namespace gneiss
