#include "planner/fleet/image_groups.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <utility>

#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

// Adds names in any order, and sorts them at the end.
class GroupCollector {
 public:
  GroupCollector(GroupBy by, std::size_t num_images) {
    result_.by = by;
    result_.first.reserve(num_images + 1);
  }

  void StartImage() { result_.first.push_back(result_.groups.size()); }

  void Add(std::string_view name) {
    const auto [found, is_new] =
        index_.try_emplace(std::string(name), static_cast<GroupIndex>(result_.names.size()));
    if (is_new) result_.names.emplace_back(name);
    if (is_new) last_image_.push_back(0);
    // Images are counted from 1 here.
    const std::size_t image = result_.first.size();
    if (std::exchange(last_image_[found->second], image) == image) return;
    result_.groups.push_back(found->second);
  }

  ImageGroups Finish() {
    result_.first.push_back(result_.groups.size());
    std::vector<GroupIndex> order(result_.names.size());
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::sort(order, {},
                      [&](GroupIndex g) -> const std::string& { return result_.names[g]; });
    std::vector<GroupIndex> rank(order.size());
    std::vector<std::string> names;
    for (const GroupIndex g : order) {
      rank[g] = static_cast<GroupIndex>(names.size());
      names.push_back(std::move(result_.names[g]));
    }
    result_.names = std::move(names);
    for (GroupIndex& g : result_.groups) g = rank[g];
    for (std::size_t i = 0; i + 1 < result_.first.size(); ++i) {
      std::sort(result_.groups.begin() + static_cast<std::ptrdiff_t>(result_.first[i]),
                result_.groups.begin() + static_cast<std::ptrdiff_t>(result_.first[i + 1]));
    }
    return std::move(result_);
  }

 private:
  ImageGroups result_;
  std::vector<std::size_t> last_image_;  // per group: that was added to it last
  SeededMap<std::string, GroupIndex> index_;
};

constexpr std::string_view kNoRef = "(no ref)";

bool IsByRef(GroupBy by) { return by == GroupBy::kNamespace || by == GroupBy::kRepository; }

constexpr std::array<ScopePreset, 8> kScopePresets = {{
    {"global", Scope::kGlobal, "one store for the whole registry"},
    {"namespace", Scope::kNamespace, "one store for each first path component"},
    {"repository", Scope::kRepository, "one store for each repository"},
    {"distribution", Scope::kGlobal, "registry:2 keeps one blob store"},
    {"harbor", Scope::kNamespace, "quota counts a blob once per project"},
    {"gitlab", Scope::kNamespace, "usage counts a blob once per root namespace"},
    {"quay", Scope::kNamespace, "quota counts a blob once per organisation"},
    {"ecr", Scope::kRepository, "each repository is billed for its own layers"},
}};

}  // namespace

std::string GroupOfRef(std::string_view ref, GroupBy by) {
  if (ref.empty()) return std::string(kNoRef);
  const RefParts parts = SplitRef(ref);
  const std::string_view path = by == GroupBy::kNamespace ? parts.name_space : parts.repository;
  return parts.host.empty() ? std::string(path) : std::string(parts.host) + "/" + std::string(path);
}

ImageGroups GroupImages(const Fleet& fleet, GroupBy by) {
  GroupCollector collector(by, fleet.images.size());
  for (const Image& image : fleet.images) {
    collector.StartImage();
    if (by == GroupBy::kFleet) {
      collector.Add("fleet");
    } else if (by == GroupBy::kPlatform) {
      const std::string_view platform = fleet.text(image.platform);
      collector.Add(platform.empty() ? "(unknown)" : platform);
    } else {
      if (image.num_refs == 0) collector.Add(kNoRef);
      for (const TextIndex ref : fleet.refs_of(image)) {
        collector.Add(GroupOfRef(fleet.text(ref), by));
      }
    }
  }
  return collector.Finish();
}

GroupIndex GroupOfRef(const ImageGroups& groups, std::string_view ref) {
  if (groups.by == GroupBy::kFleet) return 0;
  const auto found = std::ranges::lower_bound(groups.names, GroupOfRef(ref, groups.by));
  return static_cast<GroupIndex>(found - groups.names.begin());
}

ImageGroups GroupImagesByLabel(const Fleet& fleet, std::string_view key) {
  GroupCollector collector(GroupBy::kLabel, fleet.images.size());
  for (const Image& image : fleet.images) {
    collector.StartImage();
    const std::string_view value = fleet.label(image, key);
    collector.Add(value.empty() ? "(none)" : value);
  }
  return collector.Finish();
}

std::span<const ScopePreset> ScopePresets() { return kScopePresets; }

std::optional<Scope> ParseScope(std::string_view name) {
  const auto found = std::ranges::find(kScopePresets, name, &ScopePreset::name);
  if (found == kScopePresets.end()) return std::nullopt;
  return found->scope;
}

std::string_view ScopeName(Scope scope) {
  return std::ranges::find(kScopePresets, scope, &ScopePreset::scope)->name;
}

ImageGroups ScopeCells(const Fleet& fleet, Scope scope) {
  switch (scope) {
    case Scope::kNamespace:
      return GroupImages(fleet, GroupBy::kNamespace);
    case Scope::kRepository:
      return GroupImages(fleet, GroupBy::kRepository);
    case Scope::kGlobal:
      break;
  }
  return GroupImages(fleet, GroupBy::kFleet);
}

std::span<const Placement> Placements::of(ImageIndex image, GroupIndex cell) const {
  const auto [begin, end] = std::ranges::equal_range(of(image), cell, {}, &Placement::cell);
  return {begin, end};
}

Placements PlaceImages(const Fleet& fleet, const ImageGroups& cells, const ImageGroups& groups) {
  Placements placements;
  placements.first.reserve(fleet.images.size() + 1);
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const std::size_t first = placements.places.size();
    placements.first.push_back(first);
    const bool by_ref = IsByRef(cells.by) && IsByRef(groups.by);
    if (by_ref && cells.of(i).size() > 1 && groups.of(i).size() > 1) {
      for (const TextIndex ref : fleet.refs_of(fleet.images[i])) {
        const std::string_view text = fleet.text(ref);
        placements.places.push_back(
            {.cell = GroupOfRef(cells, text), .group = GroupOfRef(groups, text)});
      }
      const auto begin = placements.places.begin() + static_cast<std::ptrdiff_t>(first);
      std::sort(begin, placements.places.end());
      placements.places.erase(std::unique(begin, placements.places.end()), placements.places.end());
      continue;
    }
    for (const GroupIndex cell : cells.of(i)) {
      for (const GroupIndex group : groups.of(i)) {
        placements.places.push_back({.cell = cell, .group = group});
      }
    }
  }
  placements.first.push_back(placements.places.size());
  return placements;
}

}  // namespace gneiss
