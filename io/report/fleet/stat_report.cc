#include "io/report/fleet/stat_report.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace gneiss {
namespace {

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
