#include "planner/image_history.h"

#include <algorithm>
#include <optional>

#include "planner/image_groups.h"

namespace gneiss {
namespace {

std::vector<std::uint32_t> LargestEntries(const Inventory& inventory, std::size_t count) {
  std::vector<std::uint32_t> order(inventory.entries.size());
  for (std::uint32_t e = 0; e < order.size(); ++e) order[e] = e;
  const std::size_t kept = std::min(count, order.size());
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(kept),
                            [&](std::uint32_t a, std::uint32_t b) {
                              const Bytes of_a = inventory.entries[a].blob_bytes;
                              const Bytes of_b = inventory.entries[b].blob_bytes;
                              return of_a != of_b ? of_a > of_b : a < b;
                            });
  order.resize(kept);
  return order;
}

}  // namespace

ImageHistory MakeImageHistory(const Fleet& fleet, const Today& today, const LayerContents& contents,
                              const WasteReport& waste, ImageIndex image) {
  const ImageGroups repositories = GroupImages(fleet, GroupBy::kRepository);
  const auto chain = fleet.chain(fleet.images[image]);
  ImageHistory history{.image = image, .rows = {}};
  std::vector<std::optional<std::size_t>> row_of(fleet.layers.size());
  Overlay overlay(contents.paths);
  std::vector<Hiding> hidings;
  for (const LayerIndex l : chain) {
    HistoryRow row;
    row.layer = l;
    const auto holders = today.holders_of(l);
    row.num_images = static_cast<std::int64_t>(holders.size());
    std::vector<GroupIndex> groups;
    for (const ImageIndex i : holders) {
      groups.insert(groups.end(), repositories.of(i).begin(), repositories.of(i).end());
    }
    std::ranges::sort(groups);
    row.num_repositories = std::ranges::unique(groups).begin() - groups.begin();
    if (holders.size() == 1 && !row_of[l]) row.exclusive_bytes = today.blobs.blobs[l].size;
    row.needless_bytes = waste.layer_needless[l];
    if (const auto& inventory = contents.inventories[l]; inventory) {
      row.contents_known = true;
      row.num_entries = static_cast<std::int64_t>(inventory->entries.size());
      for (const Entry& entry : inventory->entries) row.file_bytes += entry.size;
      row.examples = LargestEntries(*inventory, HistoryRow::kMaxExamples);
      overlay.Push({.layer = l, .inventory = &*inventory, .paths = &contents.layer_paths[l]},
                   hidings);
    }
    row_of[l] = history.rows.size();
    history.rows.push_back(std::move(row));
  }
  for (const Hiding& hiding : hidings) {
    if (!CountsAsShadowed(hiding.cause)) continue;
    HistoryRow& row = history.rows[*row_of[hiding.hidden.layer]];
    row.shadowed_bytes +=
        contents.inventories[hiding.hidden.layer]->entries[hiding.hidden.entry].blob_bytes;
    ++row.num_shadowed;
  }
  return history;
}

}  // namespace gneiss
