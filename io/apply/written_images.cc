#include "io/apply/written_images.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "io/bytes/parallel_for.h"
#include "io/json/json_value.h"
#include "io/scan/scan_layer.h"
#include "planner/contents/file_system_diff.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

bool HoldsEntry(const Inventory& found, const Entry& entry, const NewLayer& layer,
                const NewEntry& expected, const LayerContents& contents) {
  const PathTree& paths = contents.paths;
  if (entry.type != expected.type || found.path(entry) != paths.key(expected.path)) return false;
  if (IsMarkerEntry(entry.type)) {
    return entry.size == 0;
  }
  if (entry.type == EntryType::kHardLink) {
    const PathIndex target =
        expected.link == kNone ? expected.target : layer.entries[expected.link].path;
    return found.link(entry) == paths.key(target);
  }
  if (expected.source == EntryRef{}) return false;  // no layer says what it is to be
  const Inventory& inventory = contents.InventoryOf(expected.source);
  const Entry& source = contents.EntryOf(expected.source);
  const auto attributes = [](const Inventory& of, const Entry& e) {
    return std::tuple(e.mode, e.uid, e.gid, e.mtime, e.mtime_nsec, of.texts[e.xattrs]);
  };
  if (attributes(found, entry) != attributes(inventory, source)) return false;
  switch (entry.type) {
    case EntryType::kSymlink:
      return found.link(entry) == inventory.link(source);
    case EntryType::kCharDevice:
    case EntryType::kBlockDevice:
      return std::tie(entry.device_major, entry.device_minor) ==
             std::tie(source.device_major, source.device_minor);
    case EntryType::kRegular:
      if (expected.contents == EntryRef{}) return entry.size == 0;
      return entry.size == contents.EntryOf(expected.contents).size &&
             found.contents[entry.content] == contents.ContentOf(expected.contents);
    default:
      return true;
  }
}

// Two chains that an image is compared by, and the first image that has them.
struct ChainPair {
  ImageIndex image = kNone;
  std::string problem;  // why they cannot be compared
};

std::string Difference(const FileDifference& found) {
  return fmt::format("{} {}, as the sources have it, found {}", FileAspectName(found.aspect),
                     found.left, found.right);
}

}  // namespace

Inventory ReadNewLayer(ByteSource& blob, const Digest& digest, Bytes size,
                       const ScanLimits& limits) {
  const ExpectedLayer expected{.digest = {.digest = digest, .verifiable = true},
                               .size = size,
                               .media_type = {},
                               .diff_id = std::nullopt};
  ScanOptions options;
  options.limits = limits;
  ScannedLayer scanned = ScanLayer(blob, expected, options);
  if (!scanned.inventory) throw InputError("expected a tar, found " + scanned.not_a_tar.found);
  return *std::move(scanned.inventory);
}

ScanLimits LimitsOfOwnLayers() {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  return {.max_entries = kMost,
          .max_path_depth = kMost,
          .max_path_bytes = kMost,
          .max_header_bytes = kMost,
          .max_ratio = kMost,
          .ratio_begins_at = kMost,
          .max_tar_bytes = kMost,
          .max_text_bytes = kMost};
}

bool HoldsLayer(const Inventory& found, const NewLayer& layer, const LayerContents& contents) {
  if (found.entries.size() != layer.entries.size() || !found.warnings.empty()) return false;
  return std::ranges::all_of(found.entries, [&](const Entry& entry) {
    return HoldsEntry(found, entry, layer, layer.entries[entry.position], contents);
  });
}

std::map<ImageIndex, std::string> CompareWrittenImages(
    const Fleet& fleet, const PlannedImages& planned, LayerContents& contents,
    std::vector<std::optional<Inventory>>& written, std::int64_t jobs,
    const std::function<void(std::size_t done, std::size_t total)>& tick) {
  std::vector<LayerPaths> written_paths(written.size());
  for (std::uint32_t b = 0; b < planned.blobs.size(); ++b) {
    const bool is_used = planned.blobs[b].is_new() && planned.blobs[b].image != kNone;
    if (!is_used) continue;
    AddImpliedDirectories(*written[b]);
    written_paths[b] = contents.paths.Add(*written[b]);
  }
  const auto layer_of_today = [&](LayerIndex l) {
    return OverlayLayer{
        .layer = l, .inventory = &*contents.inventories[l], .paths = &contents.layer_paths[l]};
  };

  using Chains = std::pair<std::vector<LayerIndex>, std::vector<std::uint32_t>>;
  std::map<Chains, std::uint32_t> pair_of;
  std::vector<ChainPair> pairs;
  std::vector<std::pair<ImageIndex, std::uint32_t>> pair_of_image;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    if (planned.is_changed[i] == 0) continue;
    const auto chain = fleet.chain(fleet.images[i]);
    const auto [found, is_new] =
        pair_of.try_emplace(Chains({chain.begin(), chain.end()}, planned.of_image[i]),
                            static_cast<std::uint32_t>(pairs.size()));
    if (is_new) pairs.push_back({.image = i, .problem = {}});
    pair_of_image.emplace_back(i, found->second);
  }

  std::atomic<std::size_t> done = 0;
  ParallelFor(
      pairs.size(), jobs,
      [&](const ParallelItem& item) {
        ChainPair& pair = pairs[item.index];
        std::vector<OverlayLayer> today;
        for (const LayerIndex l : fleet.chain(fleet.images[pair.image])) {
          if (contents.inventories[l]) today.push_back(layer_of_today(l));
        }
        std::vector<OverlayLayer> now;
        for (const std::uint32_t b : planned.of_image[pair.image]) {
          const PlannedBlob& blob = planned.blobs[b];
          if (blob.is_new()) {
            now.push_back({.layer = static_cast<LayerIndex>(fleet.layers.size() + b),
                           .inventory = &*written[b],
                           .paths = &written_paths[b]});
          } else if (contents.inventories[blob.kept]) {
            now.push_back(layer_of_today(blob.kept));
          }
        }
        FileSystemDiff diff;
        try {
          diff = CompareFileSystems(contents.paths, today, now, {.max_kept = 1});
        } catch (const InputError& error) {
          pair.problem = error.what();
        }
        if (!diff.differences.empty()) {
          const FileDifference& first = diff.differences.front();
          throw InputError(
              fleet.name(fleet.images[pair.image]), Quote(first.path),
              fmt::format("expected {} in the layers that were written{}; nothing is published. "
                          "The plan was changed or is of other images: plan these sources anew",
                          Difference(first),
                          diff.num_differences == 1
                              ? ""
                              : fmt::format(" ({} differences in all)", diff.num_differences)));
        }
        ++done;
      },
      [&] { tick(done, pairs.size()); });
  std::map<ImageIndex, std::string> problems;
  for (const auto& [image, pair] : pair_of_image) {
    if (!pairs[pair].problem.empty()) problems.emplace(image, pairs[pair].problem);
  }
  return problems;
}

}  // namespace gneiss
