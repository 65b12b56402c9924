#include "io/report/whole/report_csv.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "io/report/plan/recommendation_text.h"
#include "io/text/screen_text.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::array<std::string_view, 8> kTableNames = {
    "repositories", "namespaces",      "labels", "images",
    "layers",       "recommendations", "levels", "waste"};

class CsvWriter {
 public:
  CsvWriter(const FleetReport& report, std::ostream& out) : report_(report), out_(out) {}

  void Write(ReportTable table) {
    switch (table) {
      case ReportTable::kRepositories:
        return WriteGroups(Grouping::Kind::kRepository);
      case ReportTable::kNamespaces:
        return WriteGroups(Grouping::Kind::kNamespace);
      case ReportTable::kLabels:
        return WriteGroups(Grouping::Kind::kLabel);
      case ReportTable::kImages:
        return WriteImages();
      case ReportTable::kLayers:
        return WriteLayers();
      case ReportTable::kRecommendations:
        return WriteRecommendations();
      case ReportTable::kLevels:
        return WriteLevels();
      case ReportTable::kWaste:
        return WriteWaste();
    }
  }

 private:
  // Fields that are safe as they are: figures, our own words, CsvText.
  void Line(std::string_view fields) { out_ << fields << "\r\n"; }

  void WriteGroups(Grouping::Kind kind) {
    const bool is_label = kind == Grouping::Kind::kLabel;
    if (is_label && report_.request.labels.empty()) {
      throw InputError(
          "--table labels: no label chosen, and no image has one that names its owner (team, "
          "owner, org.opencontainers.image.vendor); choose with --label KEY");
    }
    Line(
        fmt::format("{}name,images,logical_bytes,size_bytes,exclusive_bytes,shared_bytes,"
                    "proportional_bytes",
                    is_label ? "label," : ""));
    for (const GroupTable& table : report_.stat.tables) {
      if (table.grouping.kind != kind) continue;
      const std::string label = is_label ? CsvText(table.grouping.label) + "," : "";
      for (const GroupAccount& row : table.rows) {
        Line(fmt::format("{}{},{},{},{},{},{},{}", label, CsvText(row.name), row.num_images,
                         row.logical, row.account.size, row.account.exclusive, row.account.shared,
                         row.account.proportional));
      }
    }
  }

  void WriteImages() {
    const Fleet& fleet = report_.fleet;
    Line(
        fmt::format("name,platform,manifest_digest,refs,layers,pulls,logical_bytes,"
                    "exclusive_bytes,shared_bytes,proportional_bytes{}",
                    report_.waste ? ",needless_bytes" : ""));
    for (const ImageIndex i : report_.stat.images_by_share) {
      const Image& image = fleet.images[i];
      const Account& account = report_.stat.accounting.images[i];
      const std::string digest =
          image.has_manifest_digest ? fleet.digest_text(image.identity, false) : "";
      const std::string needless =
          report_.waste ? fmt::format(",{}", report_.waste->images[i].needless_bytes) : "";
      Line(fmt::format("{},{},{},{},{},{},{},{},{},{}{}", CsvText(fleet.name(image)),
                       CsvText(fleet.text(image.platform)), CsvText(digest), image.num_refs,
                       image.num_layers, image.pulls, report_.stat.accounting.logical[i],
                       account.exclusive, account.shared, account.proportional, needless));
    }
  }

  void WriteLayers() {
    const Fleet& fleet = report_.fleet;
    Line(fmt::format("digest,size,images,foreign{},created_by",
                     report_.waste ? ",needless_bytes" : ""));
    for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
      const Layer& layer = fleet.layers[l];
      const std::string needless =
          report_.waste ? fmt::format(",{}", report_.waste->layer_needless[l]) : "";
      Line(fmt::format("{},{},{},{}{},{}", CsvText(fleet.digest_text(layer)), layer.size,
                       report_.today.holders_of(l).size(), layer.foreign ? 1 : 0, needless,
                       CsvText(fleet.text(layer.created_by))));
    }
  }

  void WriteRecommendations() {
    Line(
        "rank,id,kind,saves_cost,saves_storage_bytes,saves_transfer_bytes,saves_layers,images,"
        "effort,title,why,how,risk");
    std::size_t rank = 0;
    for (const Recommendation* const r : report_.recommendations) {
      const RecommendationText text =
          DescribeRecommendation(report_.fleet, report_.plan, *r, ByteUnits::kSi);
      Line(fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{}", ++rank, r->id,
                       RecommendationKindName(r->kind), r->saves_cost, r->saves_storage_bytes,
                       r->saves_transfer_bytes, r->saves_layers, r->images.size(),
                       EffortName(r->effort), CsvText(text.title), CsvText(text.why),
                       CsvText(text.how), CsvText(text.risk)));
    }
  }

  void WriteLevels() {
    Line(
        "level,role,cost,storage_bytes,transfer_bytes,overhead_bytes,layer_references,"
        "distinct_layers,max_layers,layers_per_image,lower_bound,gap,status");
    for (const ReportLevel& level : report_.levels) {
      const LayoutCost& cost = level.cost;
      std::string proof = ",,";
      if (level.proof) {
        proof = fmt::format("{},{},{}", level.proof->lower_bound, level.proof->gap,
                            PlanStatusName(level.proof->status));
      }
      Line(fmt::format("{},{},{},{},{},{},{},{},{},{},{}", level.name, LevelRoleName(level.role),
                       cost.cost, cost.storage_bytes, cost.transfer_bytes, cost.overhead_bytes,
                       cost.layer_references, cost.distinct_layers, cost.max_layers,
                       cost.layers_per_image, proof));
    }
  }

  void WriteWaste() {
    if (!report_.waste) {
      throw InputError(
          "--table waste: the contents of no layer are known; run gneiss scan on the same sources "
          "first");
    }
    Line("kind,findings,entries,file_bytes,saves_storage_bytes,saves_transfer_bytes");
    for (const KindSum& sum : report_.waste_kinds) {
      Line(fmt::format("{},{},{},{},{},{}", WasteKindName(sum.kind), sum.num_findings,
                       sum.num_entries, sum.file_bytes, sum.storage, sum.transfer));
    }
  }

  const FleetReport& report_;
  std::ostream& out_;
};

}  // namespace

std::span<const std::string_view> ReportTableNames() { return kTableNames; }

std::optional<ReportTable> ParseReportTable(std::string_view name) {
  const auto found = std::ranges::find(kTableNames, name);
  if (found == kTableNames.end()) return std::nullopt;
  return static_cast<ReportTable>(found - kTableNames.begin());
}

void WriteReportCsv(const FleetReport& report, ReportTable table, std::ostream& out) {
  CsvWriter(report, out).Write(table);
}

std::string CsvText(std::string_view text) {
  constexpr std::array<std::string_view, 11> kFormulas = {"=",  "+",  "-",  "@",  "\t", "\r",
                                                          "\n", "＝", "＋", "－", "＠"};
  std::string field = Printable(text);
  if (std::ranges::any_of(kFormulas, [&](std::string_view s) { return text.starts_with(s); })) {
    field.insert(0, 1, '\'');
  }
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string quoted = "\"";
  for (const char c : field) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace gneiss
