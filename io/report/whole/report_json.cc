#include "io/report/whole/report_json.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/json/json_writer.h"
#include "io/report/fleet/stat_report.h"
#include "io/report/fleet/tree_report.h"
#include "io/report/plan/plan_json.h"
#include "io/report/plan/recommendation_text.h"
#include "io/report/whole/report_images.h"

namespace gneiss {
namespace {

// Images named with one recommendation; all of them are counted.
constexpr std::size_t kMaxImagesNamed = 200;

std::size_t NumListed(std::size_t size, std::size_t limit) {
  return limit == 0 ? size : std::min(size, limit);
}

class ReportWriter {
 public:
  ReportWriter(const FleetReport& report, const ReportLimits& limits, std::ostream& out)
      : report_(report),
        limits_(limits),
        images_(report, NumListed(report.fleet.images.size(), limits.images)),
        json_(out) {}

  void Write() {
    json_.BeginObject();
    json_.Field("schema", "gneiss.report/1");
    if (const auto& group = report_.request.group) {
      json_.Field("group", {{"by", group->by}, {"name", group->name}});
    }
    WriteFleet();
    json_.Field("model", {{"description", report_.plan.DescribeModel()},
                          {"has_prices", report_.plan.model.has_prices()},
                          {"max_layers", report_.plan.squash.options.max_layers},
                          {"pinned_images", report_.plan.squash.num_pinned},
                          {"kept", DescribeKept(report_.plan.squash)}});
    WriteLevels();
    WriteFrontiers();
    WriteHistory();
    WriteRecommendations();
    WriteBases();
    WriteTables();
    WriteWaste();
    WriteReportTree(report_.fleet, report_.tree, json_);
    images_.Write(json_);
    json_.EndObject();
    json_.Finish();
  }

 private:
  void WriteFleet() {
    json_.Key("fleet");
    json_.BeginObject();
    WriteFleetTotals(report_.stat.accounting.totals, json_);
    json_.Field("scope", ScopeName(report_.request.scope));
    json_.Field("layers_only", report_.request.layers_only);
    json_.Field("configs_without_size", report_.stat.configs_without_size);
    json_.Field("manifests_without_size", report_.stat.manifests_without_size);
    json_.Field("known_layers", report_.plan.squash.num_known_layers);
    json_.Field("store",
                BeliefName(report_.plan.contents == nullptr ? Belief::kUnknown
                                                            : report_.plan.contents->belief));
    json_.Field("bad_images", report_.request.bad_images);
    json_.EndObject();
  }

  void WriteLevels() {
    json_.Key("levels");
    json_.BeginArray();
    for (const ReportLevel& level : report_.levels) {
      Json row = {{"level", level.name}, {"role", LevelRoleName(level.role)}};
      row.update(LayoutCostJson(level.cost));
      if (report_.plan.model.has_prices())
        row["price"] = report_.plan.model.MoneyOf(level.cost.cost);
      if (level.proof) {
        row["lower_bound"] = level.proof->lower_bound;
        row["gap"] = level.proof->gap;
        row["status"] = PlanStatusName(level.proof->status);
      }
      json_.Value(row);
    }
    json_.EndArray();
  }

  void WriteFrontiers() {
    const auto& contents = report_.plan.from_contents;
    const auto point = [](std::string_view key, std::uint32_t at, const LayoutCost& cost) {
      Json json = {{key, at}};
      json.update(LayoutCostJson(cost));
      return json;
    };
    json_.Key("frontiers");
    json_.BeginObject();
    json_.Key("layers");
    json_.BeginArray();
    if (contents) {
      for (const CarvePoint& p : contents->by_layers) {
        json_.Value(point("at_most", p.max_layers, p.cost));
      }
    }
    json_.EndArray();
    json_.Key("bases");
    json_.BeginArray();
    if (contents && contents->bases) {
      for (const BasesPoint& p : contents->bases->frontier) {
        json_.Value(point("bases", p.num_bases, p.cost));
      }
    }
    json_.EndArray();
    json_.EndObject();
  }

  void WriteHistory() {
    json_.Key("history");
    json_.BeginArray();
    for (const SeriesPoint& point : report_.request.history) {
      Json json = {{"time", point.time}, {"stored_bytes", point.stored}};
      if (point.logical) json["logical_bytes"] = *point.logical;
      if (point.planned) json["planned_bytes"] = *point.planned;
      json_.Value(json);
    }
    json_.EndArray();
  }

  void WriteRecommendations() {
    const auto& all = report_.recommendations;
    const std::size_t listed = NumListed(all.size(), limits_.recommendations);
    json_.Key("recommendations");
    json_.BeginArray();
    for (const Recommendation* const r : std::span(all).first(listed)) {
      json_.Value(RecommendationRow(*r));
    }
    json_.EndArray();
    json_.Field("recommendations_left_out", all.size() - listed);
  }

  Json RecommendationRow(const Recommendation& r) const {
    const RecommendationText text =
        DescribeRecommendation(report_.fleet, report_.plan, r, ByteUnits::kSi);
    return {{"id", r.id},
            {"kind", RecommendationKindName(r.kind)},
            {"title", text.title},
            {"saves_cost", r.saves_cost},
            {"saves_storage_bytes", r.saves_storage_bytes},
            {"saves_transfer_bytes", r.saves_transfer_bytes},
            {"saves_layers", r.saves_layers},
            {"effort", EffortName(r.effort)},
            {"num_images", r.images.size()},
            {"images", images_.PlacesOf(r.images, kMaxImagesNamed)},
            {"risk", text.risk},
            {"why", text.why},
            {"how", text.how}};
  }

  void WriteBases() {
    json_.Key("bases");
    json_.BeginArray();
    for (const CommonBase& base : report_.plan.bases.bases) {
      json_.Value({{"name", base.name},
                   {"is_image", !base.versions.empty()},
                   {"layers", base.num_layers},
                   {"size", base.size},
                   {"images", base.num_images},
                   {"repositories", base.num_repositories},
                   {"saves_storage_bytes", base.saves_storage_bytes}});
    }
    json_.EndArray();
    json_.Key("new_bases");
    json_.BeginArray();
    const auto& contents = report_.plan.from_contents;
    if (contents && contents->bases) {
      for (const Recommendation& r : report_.plan.new_bases) WriteNewBase(*contents->bases, r);
    }
    json_.EndArray();
  }

  void WriteNewBase(const NewBases& bases, const Recommendation& r) {
    const NewBase& base = bases.bases[r.base];
    Json row = {{"id", r.id}, {"layer", NewLayerId(base.layer)}};
    if (base.parent != kNone) row["on"] = NewLayerId(bases.bases[base.parent].layer);
    row["size"] = base.size;
    row["images"] = r.images.size();
    row["saves_cost"] = r.saves_cost;
    row["saves_storage_bytes"] = r.saves_storage_bytes;
    row["saves_transfer_bytes"] = r.saves_transfer_bytes;
    row["title"] = DescribeRecommendation(report_.fleet, report_.plan, r, ByteUnits::kSi).title;
    json_.Value(row);
  }

  void WriteTables() {
    json_.Key("tables");
    json_.BeginArray();
    for (const GroupTable& table : report_.stat.tables) {
      json_.BeginObject();
      json_.Field("by", GroupingName(table.grouping));
      json_.Field("images_in_several", table.images_in_several);
      json_.Field("repeated_images", table.repeated_images);
      json_.Field("repeated_logical_bytes", table.repeated_logical);
      const std::size_t listed = NumListed(table.rows.size(), limits_.groups);
      json_.Key("rows");
      json_.BeginArray();
      for (const GroupAccount& row : std::span(table.rows).first(listed)) {
        json_.Value(GroupRowJson(row));
      }
      json_.EndArray();
      json_.Field("left_out", LeftOutJson(std::span(table.rows).subspan(listed)));
      json_.EndObject();
    }
    json_.EndArray();
  }

  // The rows that are not listed, summed: with them a table adds up.
  static Json LeftOutJson(std::span<const GroupAccount> rows) {
    GroupAccount sum;
    for (const GroupAccount& row : rows) {
      sum.num_images += row.num_images;
      sum.logical = CheckedAdd(sum.logical, row.logical);
      sum.account.exclusive = CheckedAdd(sum.account.exclusive, row.account.exclusive);
      sum.account.proportional = CheckedAdd(sum.account.proportional, row.account.proportional);
    }
    return {{"rows", rows.size()},
            {"images", sum.num_images},
            {"logical_bytes", sum.logical},
            {"exclusive_bytes", sum.account.exclusive},
            {"proportional_bytes", sum.account.proportional}};
  }

  void WriteWaste() {
    json_.Key("waste");
    if (!report_.waste) {
      json_.Value(nullptr);
      return;
    }
    const WasteReport& waste = *report_.waste;
    json_.BeginObject();
    json_.Field("known_bytes", waste.known_bytes);
    json_.Field("entries", waste.num_entries);
    json_.Field("saves_storage_bytes", waste.saves_storage_bytes);
    json_.Field("saves_transfer_bytes", waste.saves_transfer_bytes);
    json_.Field("hidden_in_some_bytes", waste.hidden_in_some_bytes);
    json_.Field("in_other_layers_bytes", waste.in_other_layers_bytes);
    json_.Key("kinds");
    json_.BeginArray();
    for (const KindSum& sum : report_.waste_kinds) {
      json_.Value({{"kind", WasteKindName(sum.kind)},
                   {"findings", sum.num_findings},
                   {"entries", sum.num_entries},
                   {"file_bytes", sum.file_bytes},
                   {"saves_storage_bytes", sum.storage},
                   {"saves_transfer_bytes", sum.transfer}});
    }
    json_.EndArray();
    json_.EndObject();
  }

  const FleetReport& report_;
  const ReportLimits& limits_;
  ReportImages images_;
  JsonWriter json_;
};

}  // namespace

void WriteReportJson(const FleetReport& report, const ReportLimits& limits, std::ostream& out) {
  ReportWriter(report, limits, out).Write();
}

}  // namespace gneiss
