#include "io/report/whole/report_prom.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "io/report/plan/recommendation_text.h"
#include "io/text/screen_text.h"
#include "planner/fleet/digest.h"

namespace gneiss {
namespace {

using PromLabels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class PromWriter {
 public:
  PromWriter(const FleetReport& report, std::size_t top, std::ostream& out)
      : report_(report), top_(top), out_(out) {
    if (const auto& group = report.request.group) {
      constant_ = fmt::format("report_by=\"{}\",report_group=\"{}\"", PromLabelValue(group->by),
                              PromLabelValue(group->name));
    }
  }

  void Write() {
    WriteFleet();
    WriteLevels();
    WriteRecommendations();
    WriteGroups();
    WriteWaste();
  }

 private:
  // The head of a metric: its samples follow.
  void Gauge(std::string_view name, std::string_view help) {
    name_ = name;
    out_ << fmt::format("# HELP gneiss_{} {}\n# TYPE gneiss_{} gauge\n", name, help, name);
  }

  // Integers in full, others as the shortest text that reads back to them.
  template <typename Number>
  void Sample(Number value, PromLabels labels = {}) {
    std::string text = constant_;
    for (const auto& [key, label] : labels) {
      text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", key, PromLabelValue(label));
    }
    out_ << "gneiss_" << name_;
    if (!text.empty()) out_ << '{' << text << '}';
    out_ << fmt::format(" {}\n", value);
  }

  template <typename Number>
  void One(std::string_view name, std::string_view help, Number value) {
    Gauge(name, help);
    Sample(value);
  }

  void WriteFleet() {
    const FleetTotals& totals = report_.stat.accounting.totals;
    One("images", "Images of the fleet.", totals.images);
    One("layers", "Distinct layers.", totals.layers);
    One("layer_references", "Layers of all manifests.", totals.layer_references);
    One("single_image_layers", "Layers that one image holds.", totals.single_image_layers);
    One("logical_bytes", "Sum of the sizes of all images.", totals.logical_bytes);
    One("stored_bytes", "What the registry stores in this scope.", totals.physical_bytes);
    One("twin_bytes", "Layers whose contents another digest has too.", totals.twin_bytes);
    One("bad_images", "Entries that could not be read and are left out.",
        report_.request.bad_images);
    One("known_layers", "Layers whose contents are known.", report_.plan.squash.num_known_layers);
  }

  // One figure of every level that has it.
  template <typename Get>
  void LevelGauge(std::string_view name, std::string_view help, bool wants_proof, const Get& get) {
    Gauge(name, help);
    for (const ReportLevel& level : report_.levels) {
      if (!wants_proof || level.proof) Sample(get(level), {{"level", level.name}});
    }
  }

  void WriteLevels() {
    LevelGauge("level_storage_bytes", "Layers stored at a level of the plan.", false,
               [](const ReportLevel& level) { return level.cost.storage_bytes; });
    LevelGauge("level_transfer_bytes", "Layers expected to be fetched at a level of the plan.",
               false, [](const ReportLevel& level) { return level.cost.transfer_bytes; });
    LevelGauge("level_cost_bytes", "Cost of a level in the plan's model.", false,
               [](const ReportLevel& level) { return level.cost.cost; });
    LevelGauge("level_layers_per_image", "Mean layers of an image at a level.", false,
               [](const ReportLevel& level) { return level.cost.layers_per_image; });
    LevelGauge("level_lower_bound_bytes", "What no layout of the level can cost less than.", true,
               [](const ReportLevel& level) { return level.proof->lower_bound; });
    LevelGauge("level_gap_ratio", "Part of a level's cost above its lower bound.", true,
               [](const ReportLevel& level) { return level.proof->gap; });
  }

  void WriteRecommendations() {
    Gauge("recommendations", "Recommendations of the plan.");
    for (const RecommendationKind kind :
         {RecommendationKind::kJoin, RecommendationKind::kRebase, RecommendationKind::kNewBase,
          RecommendationKind::kCarve}) {
      Sample(std::ranges::count(report_.recommendations, kind, &Recommendation::kind),
             {{"kind", RecommendationKindName(kind)}});
    }
  }

  template <typename Get>
  void GroupGauge(std::string_view name, std::string_view help, const Get& get) {
    Gauge(name, help);
    for (const GroupTable& table : report_.stat.tables) {
      const std::string by = GroupingName(table.grouping);
      for (const GroupAccount& row : std::span(table.rows).first(NumShown(table))) {
        Sample(get(row), {{"by", by}, {"group", row.name}});
      }
    }
  }

  std::size_t NumShown(const GroupTable& table) const {
    return top_ == 0 ? table.rows.size() : std::min(top_, table.rows.size());
  }

  void WriteGroups() {
    GroupGauge("group_images", "Images of a group.",
               [](const GroupAccount& row) { return row.num_images; });
    GroupGauge("group_logical_bytes", "Sum of the sizes of a group's images.",
               [](const GroupAccount& row) { return row.logical; });
    GroupGauge("group_exclusive_bytes", "What deleting a group would free.",
               [](const GroupAccount& row) { return row.account.exclusive; });
    GroupGauge("group_proportional_bytes",
               "A group's share of what is stored, every blob split evenly among its images.",
               [](const GroupAccount& row) { return row.account.proportional; });
    Gauge("other_groups", "Groups without samples of their own.");
    for (const GroupTable& table : report_.stat.tables) {
      Sample(table.rows.size() - NumShown(table), {{"by", GroupingName(table.grouping)}});
    }
    Gauge("other_groups_proportional_bytes", "The share of groups without samples of their own.");
    for (const GroupTable& table : report_.stat.tables) {
      Bytes sum = 0;
      for (const GroupAccount& row : std::span(table.rows).subspan(NumShown(table))) {
        sum = CheckedAdd(sum, row.account.proportional);
      }
      Sample(sum, {{"by", GroupingName(table.grouping)}});
    }
  }

  void WriteWaste() {
    if (!report_.waste) return;
    const auto gauge = [this](std::string_view name, std::string_view help, auto member) {
      Gauge(name, help);
      for (const KindSum& sum : report_.waste_kinds) {
        Sample(sum.*member, {{"kind", WasteKindName(sum.kind)}});
      }
    };
    gauge("waste_storage_bytes", "Stored bytes that no image needs.", &KindSum::storage);
    gauge("waste_transfer_bytes", "Fetched bytes that no image needs.", &KindSum::transfer);
    gauge("waste_entries", "Entries of layers that no image needs.", &KindSum::num_entries);
  }

  const FleetReport& report_;
  std::size_t top_;
  std::ostream& out_;
  std::string constant_;  // labels of every sample
  std::string name_;
};

}  // namespace

void WriteReportProm(const FleetReport& report, std::size_t top, std::ostream& out) {
  PromWriter(report, top, out).Write();
}

std::string PromLabelValue(std::string_view text) {
  constexpr std::size_t kDigits = 8;
  std::string shown = Printable(text);
  if (shown != text)
    shown += " " + FormatDigest(Sha256(text)).substr(sizeof "sha256:" - 1, kDigits);
  std::string safe;
  for (const char c : shown) {
    if (c == '\\' || c == '"') safe += '\\';
    safe += c;
  }
  return safe;
}

}  // namespace gneiss
