#include "io/report/plan/plan_json.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "io/json/json_writer.h"
#include "io/report/plan/recommendation_text.h"
#include "planner/carve/layer_description.h"

namespace gneiss {

Json LayoutCostJson(const LayoutCost& cost) {
  return {{"cost", cost.cost},
          {"storage_bytes", cost.storage_bytes},
          {"transfer_bytes", cost.transfer_bytes},
          {"overhead_bytes", cost.overhead_bytes},
          {"layer_references", cost.layer_references},
          {"distinct_layers", cost.distinct_layers},
          {"max_layers", cost.max_layers},
          {"layers_per_image", cost.layers_per_image}};
}

namespace {

class PlanWriter {
 public:
  PlanWriter(const Fleet& fleet, const Plan& plan, std::ostream& out)
      : fleet_(fleet), plan_(plan), json_(out) {}

  void Write(const FleetTotals& totals, std::int64_t bad_images) {
    json_.BeginObject();
    json_.Field("schema", "gneiss.plan/1");
    json_.Field("fleet", FleetJson(totals, bad_images));
    json_.Field("model", ModelJson());
    json_.Key("levels");
    json_.BeginArray();
    WriteSquash();
    if (const auto& contents = plan_.from_contents) {
      if (contents->bases) {
        WriteGenerated("bases", contents->bases->plan, plan_.new_bases, &*contents->bases);
      }
      if (contents->carve) WriteGenerated("carve", *contents->carve, plan_.carved, nullptr);
    }
    json_.EndArray();
    if (plan_.from_contents) WriteContents(*plan_.from_contents);
    json_.Field("compare", {{"flatten", LayoutCostJson(plan_.flattened)},
                            {"keep_base", LayoutCostJson(plan_.kept_base)}});
    WriteBases();
    json_.EndObject();
    json_.Finish();
  }

 private:
  static Json FleetJson(const FleetTotals& totals, std::int64_t bad_images) {
    return {{"images", totals.images},
            {"refs", totals.refs},
            {"layers", totals.layers},
            {"layer_references", totals.layer_references},
            {"logical_bytes", totals.logical_bytes},
            {"physical_bytes", totals.physical_bytes},
            {"components", totals.components},
            {"bad_images", bad_images}};
  }

  Json ModelJson() const {
    const CostModel& model = plan_.model;
    const CostOptions& options = model.options();
    Json fetches;
    if (model.has_pools()) {
      fetches = {{"kind", "pools"}};
    } else if (model.cold()) {
      fetches = {{"kind", "cold"}};
    } else {
      fetches = {{"kind", "poisson"},
                 {"nodes", model.nodes()},
                 {"images_per_node", options.images_per_node}};
    }
    Json json = {
        {"storage_weight", options.storage_weight},
        {"transfer_weight", options.transfer_weight},
        {"layer_cost", options.layer_cost},
        {"pulls", model.total_pulls()},
        {"fetches", fetches},
        {"scope", ScopeName(options.scope)},
        {"max_layers", plan_.squash.options.max_layers},
        {"gap_tolerance", plan_.squash.options.gap_tolerance},
        {"pins", plan_.squash.options.pins},
        {"pinned_images", plan_.squash.num_pinned},
        {"pinned_images_over_max_layers", plan_.squash.num_over_limit},
        {"windows_images", plan_.squash.num_windows},
        {"unwritable_images", plan_.squash.num_unwritable},
        {"images_over_max_layers", plan_.squash.num_too_many_layers},
        {"standalone_layers", plan_.squash.num_standalone_layers},
        {"compression", plan_.contents == nullptr ? "today" : plan_.contents->NewCodecName()},
        {"contents",
         {{"known_layers", plan_.squash.num_known_layers},
          {"store",
           BeliefName(plan_.contents == nullptr ? Belief::kUnknown : plan_.contents->belief)},
          {"images_from_manifests", plan_.squash.num_images_from_manifests},
          {"replaced_symlinks", plan_.squash.merge_warnings.replaced_symlinks},
          {"unlisted_parents", plan_.squash.merge_warnings.unlisted_parents},
          {"opaque_roots", plan_.squash.merge_warnings.opaque_roots}}},
        {"description", plan_.DescribeModel()}};
    if (model.has_prices()) {
      json["prices"] = {{"storage_per_gb", options.storage_price.value_or(0)},
                        {"transfer_per_gb", options.transfer_price.value_or(0)},
                        {"current", model.MoneyOf(plan_.squash.current.cost)},
                        {"planned", model.MoneyOf(plan_.squash.planned.cost)}};
    }
    return json;
  }

  // Of a SquashPlan or a GeneratedPlan.
  template <typename Level>
  void WriteProof(std::string_view name, const Level& level) {
    json_.Field("level", name);
    json_.Field("current", LayoutCostJson(level.current));
    json_.Field("planned", LayoutCostJson(level.planned));
    json_.Field("lower_bound", level.lower_bound);
    json_.Field("gap", level.gap());
    json_.Field("status", PlanStatusName(level.status));
  }

  void WriteSquash() {
    const SquashPlan& squash = plan_.squash;
    json_.BeginObject();
    WriteProof("squash", squash);
    json_.Key("images");
    json_.BeginArray();
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      Json layers = Json::array();
      std::size_t at = 0;
      for (const std::uint32_t length : squash.layout.of(i)) {
        layers.push_back(
            {{"from", DigestsJson(fleet_, fleet_.chain(fleet_.images[i]).subspan(at, length))}});
        at += length;
      }
      json_.Value(ImageJson(i, std::move(layers)));
    }
    json_.EndArray();
    WriteRecommendations(plan_.joins);
    json_.EndObject();
  }

  // A level whose layers are made of contents. `bases`: null for carving.
  void WriteGenerated(std::string_view name, const GeneratedPlan& plan,
                      const std::vector<Recommendation>& recommendations, const NewBases* bases) {
    const ContentPlan& contents = *plan_.from_contents;
    json_.BeginObject();
    WriteProof(name, plan);
    json_.Key("images");
    json_.BeginArray();
    const auto of_image = plan.layout.LayersOfImages(fleet_.images.size());
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      Json layers = Json::array();
      if (contents.atoms.known[i] != 0) {
        for (const std::uint32_t j : of_image[i]) layers.push_back({{"entries", NewLayerId(j)}});
      } else {
        for (const LayerIndex l : fleet_.chain(fleet_.images[i])) {
          layers.push_back({{"from", DigestsJson(fleet_, {&l, 1})}});
        }
      }
      json_.Value(ImageJson(i, std::move(layers)));
    }
    json_.EndArray();
    json_.Key("layers");
    json_.BeginArray();
    for (std::uint32_t j = 0; j < plan.layout.layers.size(); ++j) {
      json_.Value(LayerJson(j, plan.layout.layers[j]));
    }
    json_.EndArray();
    if (bases != nullptr) WriteNewBases(*bases);
    WriteRecommendations(recommendations);
    json_.EndObject();
  }

  Json LayerJson(std::uint32_t j, const GeneratedLayer& layer) const {
    const ContentPlan& contents = *plan_.from_contents;
    Json from = Json::array();
    for (const EntryRun& run : EntriesOfLayer(contents.atoms, *plan_.contents, layer)) {
      from.push_back({{"digest", fleet_.digest_text(fleet_.layers[run.layer])},
                      {"entries", Ranges(run.positions)}});
    }
    return {{"id", NewLayerId(j)},
            {"size", layer.size()},
            {"directory_bytes", layer.directory_bytes},
            {"images", layer.images.size()},
            {"from", std::move(from)}};
  }

  // "0-5,9" of sorted numbers.
  static std::string Ranges(const std::vector<std::uint32_t>& numbers) {
    std::string text;
    for (std::size_t i = 0; i < numbers.size();) {
      std::size_t end = i + 1;
      while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
      if (i > 0) text += ',';
      text += fmt::format("{}", numbers[i]);
      if (end - i > 1) text += fmt::format("-{}", numbers[end - 1]);
      i = end;
    }
    return text;
  }

  void WriteNewBases(const NewBases& bases) {
    json_.Key("bases");
    json_.BeginArray();
    for (const NewBase& base : bases.bases) {
      const GeneratedLayer& layer = bases.plan.layout.layers[base.layer];
      Json json = {{"layer", NewLayerId(base.layer)}};
      if (base.parent != kNone) json["on"] = NewLayerId(bases.bases[base.parent].layer);
      json["size"] = base.size;
      json["images"] = ImageNamesJson(fleet_, layer.images);
      json["saves_cost"] = base.saves_cost;
      json["saves_storage_bytes"] = base.saves_storage_bytes;
      json["saves_transfer_bytes"] = base.saves_transfer_bytes;
      json_.Value(json);
    }
    json_.EndArray();
    if (bases.frontier.empty()) return;
    json_.Key("frontier");
    json_.BeginArray();
    for (const BasesPoint& point : bases.frontier) {
      json_.Value({{"bases", point.num_bases}, {"planned", LayoutCostJson(point.cost)}});
    }
    json_.EndArray();
  }

  void WriteContents(const ContentPlan& contents) {
    json_.Field("floor", LayoutCostJson(contents.floor));
    if (contents.by_layers.empty()) return;
    const auto points = [&](const char* key, const std::vector<CarvePoint>& list) {
      json_.Key(key);
      json_.BeginArray();
      for (const CarvePoint& point : list) {
        json_.Value({{"max_layers", point.max_layers},
                     {"storage_weight", point.storage_weight},
                     {"transfer_weight", point.transfer_weight},
                     {"planned", LayoutCostJson(point.cost)}});
      }
      json_.EndArray();
    };
    json_.Key("frontier");
    json_.BeginObject();
    points("by_layers", contents.by_layers);
    points("by_weights", contents.by_weights);
    json_.EndObject();
  }

  void WriteRecommendations(const std::vector<Recommendation>& recommendations) {
    json_.Key("recommendations");
    json_.BeginArray();
    for (const Recommendation& r : recommendations)
      json_.Value(RecommendationJson(fleet_, plan_, r));
    json_.EndArray();
  }

  Json ImageJson(ImageIndex i, Json layers) const {
    const Image& image = fleet_.images[i];
    Json json = {{"refs", Refs(image)}, {"platform", fleet_.text(image.platform)}};
    if (image.has_manifest_digest) {
      json["manifest_digest"] = fleet_.digest_text(image.identity, false);
    }
    json["layers"] = std::move(layers);
    return json;
  }

  void WriteBases() {
    const BasesReport& bases = plan_.bases;
    json_.Key("bases");
    json_.BeginObject();
    json_.Key("existing");
    json_.BeginArray();
    for (const CommonBase& base : bases.bases) {
      json_.Value({{"name", base.name},
                   {"refs", base.versions.empty() ? Json::array()
                                                  : Refs(fleet_.images[base.versions.front()])},
                   {"layers", base.num_layers},
                   {"size", base.size},
                   {"images", base.num_images},
                   {"repositories", base.num_repositories},
                   {"saves_storage_bytes", base.saves_storage_bytes}});
    }
    json_.EndArray();
    json_.Field("moved_images", bases.num_moved_images);
    json_.Field("current", LayoutCostJson(bases.current));
    json_.Field("moved", LayoutCostJson(bases.moved));
    json_.Field("lower_bound", bases.lower_bound);
    json_.Field("gap", bases.gap());
    json_.Field("status", PlanStatusName(bases.status));
    WriteRecommendations(plan_.moves);
    json_.EndObject();
  }

  Json Refs(const Image& image) const {
    Json refs = Json::array();
    for (const TextIndex ref : fleet_.refs_of(image)) refs.push_back(fleet_.text(ref));
    return refs;
  }

  const Fleet& fleet_;
  const Plan& plan_;
  JsonWriter json_;
};

}  // namespace

void WritePlanJson(const Fleet& fleet, const FleetTotals& totals, const Plan& plan,
                   std::int64_t bad_images, std::ostream& out) {
  PlanWriter(fleet, plan, out).Write(totals, bad_images);
}

}  // namespace gneiss
