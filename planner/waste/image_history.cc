#include "planner/waste/image_history.h"

#include <algorithm>
#include <optional>
#include <set>

#include "planner/fleet/image_groups.h"

namespace gneiss {
namespace {

std::vector<std::uint32_t> LargestEntries(const Inventory& inventory, std::size_t count) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t e = 0; e < inventory.entries.size(); ++e) {
    const Entry& entry = inventory.entries[e];
    if (!IsMarkerEntry(entry.type) && !entry.implied) order.push_back(e);
  }
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

// The rows, with instructions and without figures: of the image's own history where it tells of as
// many layers as there are, of what the fleet knows of its layers where it tells of none.
std::vector<HistoryRow> MakeRows(const Fleet& fleet, const Image& image,
                                 std::int64_t& num_told_layers) {
  const auto chain = fleet.chain(image);
  const std::vector<Step> steps = fleet.history(image);
  const auto num_told = std::ranges::count(steps, true, &Step::makes_layer);
  const bool is_told = num_told == std::ssize(chain);
  if (!is_told && !steps.empty()) num_told_layers = num_told;
  std::vector<HistoryRow> rows;
  std::uint32_t position = 0;
  if (is_told && !steps.empty()) {
    for (const Step& step : steps) {
      HistoryRow& row = rows.emplace_back();
      row.created_by = step.created_by;
      row.created = step.created;
      if (!step.makes_layer) continue;
      row.layer = chain[position];
      row.position = ++position;
    }
    return rows;
  }
  for (const LayerIndex l : chain) {
    HistoryRow& row = rows.emplace_back();
    row.layer = l;
    row.position = ++position;
    if (steps.empty()) row.created_by = fleet.layers[l].created_by;
  }
  return rows;
}

}  // namespace

std::int64_t ImageHistory::num_layers() const {
  return std::ssize(rows) - std::ranges::count(rows, kNone, &HistoryRow::layer);
}

ImageHistory MakeImageHistory(const Fleet& fleet, const Today& today, const LayerContents& contents,
                              const WasteReport& waste, ImageIndex image) {
  const ImageGroups repositories = GroupImages(fleet, GroupBy::kRepository);
  ImageHistory history{.image = image};
  history.is_windows = waste.images[image].is_windows;
  history.rows = MakeRows(fleet, fleet.images[image], history.num_told_layers);
  std::vector<std::optional<std::size_t>> row_of(fleet.layers.size());
  Overlay overlay(contents.paths);
  std::vector<Hiding> hidings;
  for (std::size_t r = 0; r < history.rows.size(); ++r) {
    HistoryRow& row = history.rows[r];
    const LayerIndex l = row.layer;
    if (l == kNone) continue;
    row.is_again = row_of[l].has_value();
    const auto holders = today.holders_of(l);
    row.num_images = static_cast<std::int64_t>(holders.size());
    std::vector<GroupIndex> groups;
    for (const ImageIndex i : holders) {
      groups.insert(groups.end(), repositories.of(i).begin(), repositories.of(i).end());
    }
    std::ranges::sort(groups);
    row.num_repositories = std::ranges::unique(groups).begin() - groups.begin();
    if (holders.size() == 1 && !row.is_again) row.exclusive_bytes = today.blobs.blobs[l].size;
    if (!row.is_again) row.needless_bytes = waste.layer_needless[l];
    if (const auto& inventory = contents.inventories[l]; inventory) {
      row.contents_known = true;
      row.num_entries = inventory->num_listed();
      for (const Entry& entry : inventory->entries) row.file_bytes += entry.size;
      row.examples = LargestEntries(*inventory, HistoryRow::kMaxExamples);
      if (!history.is_windows) {
        overlay.Push({.layer = l, .inventory = &*inventory, .paths = &contents.layer_paths[l]},
                     hidings);
      }
    }
    if (!row.is_again) row_of[l] = r;
  }
  std::set<EntryRef> counted;
  for (const Hiding& hiding : hidings) {
    if (!CountsAsShadowed(hiding.cause)) continue;
    // A layer that comes again shows again what was hidden.
    const LayerPaths& paths = contents.layer_paths[hiding.hidden.layer];
    if (overlay.At(paths.path[hiding.hidden.entry]) == hiding.hidden) continue;
    HistoryRow& row = history.rows[*row_of[hiding.hidden.layer]];
    if (!counted.insert(hiding.hidden).second) continue;
    row.shadowed_bytes += contents.EntryOf(hiding.hidden).blob_bytes;
    ++row.num_shadowed;
  }
  return history;
}

}  // namespace gneiss
