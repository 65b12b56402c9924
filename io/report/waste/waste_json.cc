#include <utility>

#include <fmt/format.h>

#include "io/json/json_writer.h"
#include "io/report/waste/waste_report.h"
#include "io/report/waste/waste_text.h"

namespace gneiss {
namespace {

Json FindingJson(const Fleet& fleet, const Today& today, const LayerContents& contents,
                 const WasteFinding& finding, std::size_t number) {
  const WasteText text = DescribeWaste(fleet, finding);
  const Inventory& inventory = *contents.inventories[finding.layer];
  Json images = Json::array();
  for (const ImageIndex i : today.holders_of(finding.layer)) {
    images.push_back(fleet.name(fleet.images[i]));
  }
  Json examples = Json::array();
  for (const std::uint32_t e : finding.examples) {
    examples.push_back({{"path", inventory.path(inventory.entries[e])},
                        {"size", inventory.entries[e].size},
                        {"blob_bytes", inventory.entries[e].blob_bytes}});
  }
  Json json = {{"id", fmt::format("W{}", number)},
               {"kind", WasteKindName(finding.kind)},
               {"title", text.title},
               {"saves_storage_bytes", finding.saves_storage_bytes},
               {"saves_transfer_bytes", finding.saves_transfer_bytes},
               {"blob_bytes", finding.blob_bytes},
               {"file_bytes", finding.file_bytes},
               {"entries", finding.num_entries},
               {"layer", fleet.digest_text(fleet.layers[finding.layer])}};
  if (finding.rule != kNoWasteRule) json["rule"] = WasteRules()[finding.rule].name;
  if (finding.by != kNone) json["by"] = fleet.digest_text(fleet.layers[finding.by]);
  json["created_by"] = fleet.text(fleet.layers[finding.layer].created_by);
  json["images"] = std::move(images);
  json["why"] = text.why;
  json["how"] = text.how;
  json["largest"] = std::move(examples);
  return json;
}

Json OdditiesJson(const Fleet& fleet, const LayerContents& contents, const OverlayWarnings& odd) {
  Json json = {{"hard_links_to_nothing", odd.links_to_nothing},
               {"hard_links_to_directories", odd.links_to_directories},
               {"whiteouts_of_nothing", odd.whiteouts_of_nothing},
               {"replaced_symlinks", odd.replaced_symlinks},
               {"unlisted_parents", odd.unlisted_parents},
               {"opaque_roots", odd.opaque_roots}};
  if (odd.bad_link.layer != kNone) {
    const Inventory& inventory = *contents.inventories[odd.bad_link.layer];
    const Entry& link = inventory.entries[odd.bad_link.entry];
    json["bad_link"] = {{"layer", fleet.digest_text(fleet.layers[odd.bad_link.layer])},
                        {"path", inventory.path(link)},
                        {"target", inventory.link(link)}};
  }
  return json;
}

}  // namespace

void WriteWasteJson(const Fleet& fleet, const Today& today, const LayerContents& contents,
                    const WasteReport& report, const CostModel& model,
                    const std::vector<DiveRow>& dive, std::int64_t bad_images, std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.waste/1");
  json.Field("fleet", {{"images", fleet.images.size()},
                       {"layers", fleet.layers.size()},
                       {"known_layers", report.num_known_layers},
                       {"store", BeliefName(contents.belief)},
                       {"entries", report.num_entries},
                       {"storage_bytes", today.cost.storage_bytes},
                       {"known_bytes", report.known_bytes},
                       {"windows_images", report.num_windows},
                       {"bad_images", bad_images}});
  json.Field("model", model.Describe());
  json.Field("saves_storage_bytes", report.saves_storage_bytes);
  json.Field("saves_transfer_bytes", report.saves_transfer_bytes);
  json.Field("hidden_in_some_bytes", report.hidden_in_some_bytes);
  json.Field("in_other_layers_bytes", report.in_other_layers_bytes);
  json.Field("oddities", OdditiesJson(fleet, contents, report.overlay_warnings));
  json.Key("kinds");
  json.BeginArray();
  for (const KindSum& sum : SumKinds(report)) {
    json.Value({{"kind", WasteKindName(sum.kind)},
                {"findings", sum.num_findings},
                {"entries", sum.num_entries},
                {"file_bytes", sum.file_bytes},
                {"saves_storage_bytes", sum.storage},
                {"saves_transfer_bytes", sum.transfer}});
  }
  json.EndArray();
  json.Key("findings");
  json.BeginArray();
  for (std::size_t f = 0; f < report.findings.size(); ++f) {
    json.Value(FindingJson(fleet, today, contents, report.findings[f], f + 1));
  }
  json.EndArray();
  json.Key("layers");
  json.BeginArray();
  for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
    json.Value({{"digest", fleet.digest_text(fleet.layers[l])},
                {"size", fleet.layers[l].size},
                {"images", today.holders_of(l).size()},
                {"contents_known", contents.inventories[l].has_value()},
                {"needless_bytes", report.layer_needless[l]}});
  }
  json.EndArray();
  json.Key("images");
  json.BeginArray();
  std::vector<const DiveEfficiency*> dive_of(fleet.images.size(), nullptr);
  for (const DiveRow& row : dive) dive_of[row.image] = &row.dive;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    Json image = {{"name", fleet.name(fleet.images[i])},
                  {"platform", fleet.text(fleet.images[i].platform)},
                  {"contents_known", report.images[i].complete},
                  {"stored_bytes", report.images[i].stored_bytes},
                  {"needless_bytes", report.images[i].needless_bytes},
                  {"hidden_bytes", report.images[i].hidden_bytes}};
    if (dive_of[i] != nullptr) {
      image["dive"] = {{"efficiency", dive_of[i]->efficiency},
                       {"wasted_bytes", dive_of[i]->wasted_bytes},
                       {"user_bytes", dive_of[i]->user_bytes},
                       {"size_bytes", dive_of[i]->size_bytes}};
    }
    json.Value(image);
  }
  json.EndArray();
  json.Key("static_programs");
  json.BeginArray();
  for (const StaticImage& found : report.static_images) {
    const Inventory& inventory = *contents.inventories[found.program.layer];
    json.Value({{"image", fleet.name(fleet.images[found.image])},
                {"path", inventory.path(inventory.entries[found.program.entry])},
                {"saves_storage_bytes", found.saves_storage_bytes},
                {"saves_transfer_bytes", found.saves_transfer_bytes}});
  }
  json.EndArray();
  json.Key("repositories");
  json.BeginArray();
  for (const WasteGroup& group : WasteByRepository(fleet, report)) {
    json.Value({{"name", group.name},
                {"images", group.num_images},
                {"storage_bytes", group.stored},
                {"needless_bytes", group.needless}});
  }
  json.EndArray();
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
