#include "io/report/stat_report.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>
#include <utility>

#include "io/report/format.h"
#include "io/report/screen_text.h"

namespace gneiss {
namespace {

constexpr std::size_t kLabelsNamed = 5;

// Keys of the fleet's labels for a message, those of most images first.
std::string NameLabels(const Fleet& fleet) {
  std::map<std::string_view, std::int64_t> counts;
  for (const Label& label : fleet.labels) ++counts[fleet.text(label.key)];
  if (counts.empty()) return "none has any label";
  std::vector<std::pair<std::string_view, std::int64_t>> keys(counts.begin(), counts.end());
  std::ranges::stable_sort(keys, std::greater{},
                           &std::pair<std::string_view, std::int64_t>::second);
  std::string text = "labels here: ";
  for (std::size_t i = 0; i < std::min(keys.size(), kLabelsNamed); ++i) {
    if (i > 0) text += ", ";
    text += Printable(keys[i].first);
  }
  if (keys.size() > kLabelsNamed) {
    text += ", " + FormatCounted(static_cast<std::int64_t>(keys.size() - kLabelsNamed), "other");
  }
  return text;
}

ImageGroups GroupsOf(const Fleet& fleet, const Grouping& grouping) {
  switch (grouping.kind) {
    case Grouping::Kind::kRepository:
      return GroupImages(fleet, GroupBy::kRepository);
    case Grouping::Kind::kNamespace:
      return GroupImages(fleet, GroupBy::kNamespace);
    case Grouping::Kind::kPlatform:
      return GroupImages(fleet, GroupBy::kPlatform);
    case Grouping::Kind::kLabel:
      break;
  }
  const bool known = std::ranges::any_of(
      fleet.labels, [&](const Label& l) { return fleet.text(l.key) == grouping.label; });
  if (!known) {
    throw InputError("--by label:" + Printable(grouping.label) + ": no image has this label; " +
                     NameLabels(fleet));
  }
  return GroupImagesByLabel(fleet, grouping.label);
}

GroupTable MakeTable(const Fleet& fleet, const ImageGroups& cells, const SharingGraph& sharing,
                     const Accounting& accounting, const Grouping& grouping) {
  const ImageGroups groups = GroupsOf(fleet, grouping);
  GroupTable table;
  table.grouping = grouping;
  table.rows = AccountForGroups(sharing, accounting, groups, PlaceImages(fleet, cells, groups));
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const auto extra = static_cast<std::int64_t>(groups.of(i).size()) - 1;
    if (extra > 0) ++table.images_in_several;
    table.repeated_images += extra;
    table.repeated_logical = CheckedAdd(table.repeated_logical, -accounting.logical[i]);
  }
  for (const GroupAccount& group : table.rows) {
    table.repeated_logical = CheckedAdd(table.repeated_logical, group.logical);
  }
  return table;
}

}  // namespace

StatReport MakeStatReport(const Fleet& fleet, StatRequest request) {
  StatReport report;
  const ImageGroups cells = ScopeCells(fleet, request.scope);
  const SharingGraph sharing = BuildSharingGraph(fleet, cells, request.layers_only);
  report.accounting = AccountFor(fleet, sharing);
  for (const Grouping& grouping : request.groupings) {
    report.tables.push_back(MakeTable(fleet, cells, sharing, report.accounting, grouping));
  }
  if (!request.layers_only) {
    for (const Image& image : fleet.images) {
      if (image.config_size == kUnknownSize) ++report.configs_without_size;
      if (image.manifest_size == kUnknownSize) ++report.manifests_without_size;
    }
  }
  report.images_by_share.resize(fleet.images.size());
  std::iota(report.images_by_share.begin(), report.images_by_share.end(), 0U);
  std::ranges::stable_sort(report.images_by_share, std::greater{},
                           [&](ImageIndex i) { return report.accounting.images[i].proportional; });
  report.request = std::move(request);
  return report;
}

}  // namespace gneiss
