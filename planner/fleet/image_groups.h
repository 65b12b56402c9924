// Ways to sort the images of a fleet into named groups: by repository, namespace, platform or label
// for tables, and into scope cells, within which a registry shares blobs (design.md 1 and 3).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "planner/fleet/fleet.h"

namespace gneiss {

using GroupIndex = std::uint32_t;

enum class GroupBy { kFleet, kNamespace, kRepository, kPlatform, kLabel };

// Images in groups; an image with refs in several repositories is in several.
// Invariant: every image is in at least one group; groups are sorted by name.
struct ImageGroups {
  GroupBy by = GroupBy::kFleet;
  std::vector<std::string> names;
  std::vector<std::uint64_t> first;  // per image, and one past the end: into `groups`
  std::vector<GroupIndex> groups;    // sorted within an image, each once

  std::size_t size() const { return names.size(); }
  std::span<const GroupIndex> of(ImageIndex image) const {
    return {groups.data() + first[image], first[image + 1] - first[image]};
  }
};

// REQUIRES: not kLabel. Names as "host/path" for repositories and namespaces, so that two
// registries never mix; "(no ref)" and "(unknown)" where an image has none. kFleet is one group,
// "fleet".
[[nodiscard]] ImageGroups GroupImages(const Fleet& fleet, GroupBy by);

// The group of one ref, "(no ref)" for an empty one. REQUIRES: by repository or namespace.
[[nodiscard]] std::string GroupOfRef(std::string_view ref, GroupBy by);

// The group that a ref of the fleet puts its image in. REQUIRES: groups of GroupImages by fleet,
// namespace or repository.
[[nodiscard]] GroupIndex GroupOfRef(const ImageGroups& groups, std::string_view ref);

// By the value of a label; "(none)" for images without it.
[[nodiscard]] ImageGroups GroupImagesByLabel(const Fleet& fleet, std::string_view key);

// Where blobs are shared, as registries do it.
enum class Scope { kGlobal, kNamespace, kRepository };

// A word for --scope: a scope, or a registry that has it.
struct ScopePreset {
  std::string_view name;
  Scope scope;
  std::string_view why;  // what the registry stores or bills once
};
[[nodiscard]] std::span<const ScopePreset> ScopePresets();
[[nodiscard]] std::optional<Scope> ParseScope(std::string_view name);
[[nodiscard]] std::string_view ScopeName(Scope scope);

// The cells of a scope.
[[nodiscard]] ImageGroups ScopeCells(const Fleet& fleet, Scope scope);

// Which groups of an image each of its cells belongs to. Where repositories are cells, an image
// with refs in two of them is stored twice, and each repository holds its own copy only.
struct Placement {
  GroupIndex cell = 0;
  GroupIndex group = 0;

  friend auto operator<=>(const Placement&, const Placement&) = default;
};

// Invariant: every cell of an image and every group of it is in at least one of its placements.
struct Placements {
  std::vector<std::uint64_t> first;  // per image, and one past the end: into `places`
  std::vector<Placement> places;     // sorted within an image, each once

  std::span<const Placement> of(ImageIndex image) const {
    return {places.data() + first[image], first[image + 1] - first[image]};
  }
  // Those of one cell; empty when the image is not in it.
  std::span<const Placement> of(ImageIndex image, GroupIndex cell) const;
};

// REQUIRES: both are groups of `fleet`. Time O(refs log groups).
[[nodiscard]] Placements PlaceImages(const Fleet& fleet, const ImageGroups& cells,
                                     const ImageGroups& groups);

}  // namespace gneiss
