#include "planner/waste/static_images.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "planner/contents/paths.h"

namespace gneiss {
namespace {

constexpr int kMaxLinks = 40;  // as Linux follows

// Follows symlinks component by component; absolute ones start at the root again.
std::optional<EntryRef> Resolve(const Overlay& overlay, const LayerContents& contents,
                                std::string key) {
  for (int links = 0; links <= kMaxLinks; ++links) {
    bool followed = false;
    for (std::size_t end = 0; end < key.size() && !followed;) {
      end = std::min(key.find('/', end + 1), key.size());
      const std::string_view prefix = std::string_view(key).substr(0, end);
      const PathIndex path = contents.paths.Find(prefix);
      if (path == kNone || !overlay.Exists(path)) return std::nullopt;
      const EntryRef at = overlay.At(path);
      if (at.layer == kNone) continue;  // a directory without entry
      const Entry& entry = contents.EntryOf(at);
      if (entry.type == EntryType::kSymlink) {
        const std::string target(contents.inventories[at.layer]->link(entry));
        const std::string rest = key.substr(end);
        key = MakePathKey(target.starts_with('/')
                              ? target + rest
                              : std::string(ParentPath(prefix)) + "/" + target + rest)
                  .key;
        followed = true;
      } else if (end == key.size()) {
        return at;
      }
    }
    if (!followed) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<EntryRef> FindProgram(const Overlay& overlay, const LayerContents& contents,
                                    std::string_view program, std::string_view search_path) {
  if (program.empty()) return std::nullopt;
  if (program.find('/') != std::string_view::npos) {
    return Resolve(overlay, contents, MakePathKey(program).key);
  }
  while (!search_path.empty()) {
    const std::size_t end = std::min(search_path.find(':'), search_path.size());
    const std::string candidate =
        std::string(search_path.substr(0, end)) + "/" + std::string(program);
    search_path.remove_prefix(std::min(end + 1, search_path.size()));
    const auto found = Resolve(overlay, contents, MakePathKey(candidate).key);
    if (found) return found;
  }
  return std::nullopt;
}

bool IsLauncher(std::string_view path) {
  constexpr std::array<std::string_view, 19> kLaunchers = {
      "ash",       "bash", "busybox", "catatonit", "chpst",      "dash",     "docker-init",
      "dumb-init", "env",  "gosu",    "init",      "nice",       "runsvdir", "s6-svscan",
      "setpriv",   "sh",   "su-exec", "tini",      "tini-static"};
  static_assert(std::ranges::is_sorted(kLaunchers));
  return std::ranges::binary_search(kLaunchers, BaseName(path));
}

StaticImage CountStaticImage(const Fleet& fleet, const CostModel& model, const Today& today,
                             const LayerContents& contents, ImageIndex image, EntryRef program) {
  StaticImage result{.image = image, .program = program};
  const Image& moved = fleet.images[image];
  const auto chain = fleet.chain(moved);
  std::vector<LayerIndex> layers(chain.begin(), chain.end());
  std::ranges::sort(layers);
  layers.erase(std::ranges::unique(layers).begin(), layers.end());
  double moved_bytes = 0;
  std::vector<ImageIndex> others;
  for (const LayerIndex l : layers) {
    const LayoutBlob& blob = today.blobs.blobs[l];
    const auto holders = today.holders_of(l);
    others.assign(holders.begin(), holders.end());
    std::erase(others, image);
    const BlobUse left = CountUse(fleet, today.cells, others);
    result.saves_storage_bytes += blob.size * (blob.cells - left.cells);
    const double before = model.Fetches(blob.pulls, blob.pool_nodes);
    moved_bytes +=
        static_cast<double>(blob.size) * (before - model.Fetches(left.pulls, left.pool_nodes));
  }
  const Bytes kept = contents.EntryOf(program).blob_bytes;
  const BlobUse alone = CountUse(fleet, today.cells, std::vector<ImageIndex>{image});
  result.saves_storage_bytes -= kept * alone.cells;
  moved_bytes -= static_cast<double>(kept) * model.Fetches(alone.pulls, alone.pool_nodes);
  result.saves_transfer_bytes = static_cast<Bytes>(std::llround(moved_bytes));
  return result;
}

}  // namespace gneiss
