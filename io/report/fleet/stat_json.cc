#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "io/report/fleet/stat_report.h"

namespace gneiss {
namespace {

// REQUIRES: not kLabel.
std::string_view KeyOf(Grouping::Kind kind) {
  return kind == Grouping::Kind::kRepository  ? "by_repository"
         : kind == Grouping::Kind::kNamespace ? "by_namespace"
                                              : "by_platform";
}

Json RowOf(const Fleet& fleet, const Image& image, const Account& account, Bytes logical) {
  Json refs = Json::array();
  for (const TextIndex ref : fleet.refs_of(image)) refs.push_back(fleet.text(ref));
  Json row = {{"refs", std::move(refs)}};
  if (image.platform != 0) row["platform"] = fleet.text(image.platform);
  if (image.has_manifest_digest) {
    row["manifest_digest"] = fleet.digest_text(image.identity, false);
  }
  row["layers"] = image.num_layers;
  row["pulls"] = image.pulls;
  row["logical_bytes"] = logical;
  row["size_bytes"] = account.size;
  row["exclusive_bytes"] = account.exclusive;
  row["shared_bytes"] = account.shared;
  row["proportional_bytes"] = account.proportional;
  return row;
}

void WriteTable(std::string_view key, const GroupTable& table, JsonWriter& json) {
  json.Key(key);
  json.BeginArray();
  for (const GroupAccount& group : table.rows) json.Value(GroupRowJson(group));
  json.EndArray();
}

// One member for each label, named like it.
void WriteLabelTables(const std::vector<GroupTable>& tables, JsonWriter& json) {
  const auto is_label = [](const GroupTable& table) {
    return table.grouping.kind == Grouping::Kind::kLabel;
  };
  if (std::ranges::none_of(tables, is_label)) return;
  json.Key("by_label");
  json.BeginObject();
  for (const GroupTable& table : tables) {
    if (is_label(table)) WriteTable(table.grouping.label, table, json);
  }
  json.EndObject();
}

}  // namespace

Json GroupRowJson(const GroupAccount& group) {
  return {{"name", group.name},
          {"images", group.num_images},
          {"logical_bytes", group.logical},
          {"size_bytes", group.account.size},
          {"exclusive_bytes", group.account.exclusive},
          {"shared_bytes", group.account.shared},
          {"proportional_bytes", group.account.proportional}};
}

void WriteFleetTotals(const FleetTotals& totals, JsonWriter& json) {
  json.Field("images", totals.images);
  json.Field("refs", totals.refs);
  json.Field("layers", totals.layers);
  json.Field("layer_references", totals.layer_references);
  json.Field("single_image_layers", totals.single_image_layers);
  json.Field("max_layers", totals.max_layers);
  json.Field("mean_layers", totals.mean_layers);
  json.Field("logical_bytes", totals.logical_bytes);
  json.Field("physical_bytes", totals.physical_bytes);
  json.Field("repeated_bytes", totals.repeated_bytes);
  json.Field("layer_bytes", totals.layer_bytes);
  json.Field("config_bytes", totals.config_bytes);
  json.Field("manifest_bytes", totals.manifest_bytes);
  json.Field("foreign_bytes", totals.foreign_bytes);
  json.Field("diff_ids", totals.diff_ids);
  json.Field("twin_layers", totals.twin_layers);
  json.Field("twin_bytes", totals.twin_bytes);
  json.Field("components", totals.components);
  json.Field("largest_component_images", totals.largest_component_images);
}

void WriteStatJson(const Fleet& fleet, const StatReport& report, std::int64_t bad_images,
                   bool images, std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.stat/1");
  WriteFleetTotals(report.accounting.totals, json);
  json.Field("scope", ScopeName(report.request.scope));
  json.Field("layers_only", report.request.layers_only);
  json.Field("configs_without_size", report.configs_without_size);
  json.Field("manifests_without_size", report.manifests_without_size);
  json.Field("bad_images", bad_images);
  for (const GroupTable& table : report.tables) {
    if (table.grouping.kind != Grouping::Kind::kLabel) {
      WriteTable(KeyOf(table.grouping.kind), table, json);
    }
  }
  WriteLabelTables(report.tables, json);
  if (images) {
    // "images" is their number.
    json.Key("by_image");
    json.BeginArray();
    for (const ImageIndex i : report.images_by_share) {
      json.Value(
          RowOf(fleet, fleet.images[i], report.accounting.images[i], report.accounting.logical[i]));
    }
    json.EndArray();
  }
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
