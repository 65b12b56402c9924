#include <algorithm>
#include <functional>
#include <utility>

#include "io/report/waste/waste_report.h"
#include "planner/fleet/image_groups.h"

namespace gneiss {

std::vector<KindSum> SumKinds(const WasteReport& report) {
  std::vector<KindSum> sums(kNumWasteKinds);
  for (const WasteFinding& finding : report.findings) {
    KindSum& sum = sums[static_cast<std::size_t>(finding.kind)];
    sum.kind = finding.kind;
    ++sum.num_findings;
    sum.num_entries += finding.num_entries;
    sum.file_bytes += finding.file_bytes;
    sum.storage += finding.saves_storage_bytes;
    sum.transfer += finding.saves_transfer_bytes;
  }
  std::erase_if(sums, [](const KindSum& sum) { return sum.num_findings == 0; });
  std::ranges::stable_sort(sums, std::greater{}, &KindSum::storage);
  return sums;
}

std::vector<WasteGroup> WasteByRepository(const Fleet& fleet, const WasteReport& report) {
  const ImageGroups repositories = GroupImages(fleet, GroupBy::kRepository);
  std::vector<std::pair<GroupIndex, LayerIndex>> held;
  std::vector<WasteGroup> groups(repositories.size());
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    for (const GroupIndex g : repositories.of(i)) {
      ++groups[g].num_images;
      for (const LayerIndex l : fleet.chain(fleet.images[i])) held.emplace_back(g, l);
    }
  }
  std::ranges::sort(held);
  held.erase(std::ranges::unique(held).begin(), held.end());
  for (const auto& [g, l] : held) {
    groups[g].stored += fleet.layers[l].size;
    groups[g].needless += report.layer_needless[l];
  }
  for (GroupIndex g = 0; g < groups.size(); ++g) groups[g].name = repositories.names[g];
  std::ranges::stable_sort(groups, std::greater{}, &WasteGroup::needless);
  return groups;
}

}  // namespace gneiss
