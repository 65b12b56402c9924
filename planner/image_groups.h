// Ways to sort the images of a fleet into named groups: by repository, namespace, platform or label
// for tables, and into scope cells, within which a registry shares blobs (design.md 1 and 3).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "planner/fleet.h"

namespace gneiss {

using GroupIndex = std::uint32_t;

// Images in groups; an image with refs in several repositories is in several.
// Invariant: every image is in at least one group; groups are sorted by name.
struct ImageGroups {
  std::vector<std::string> names;
  std::vector<std::uint64_t> first;  // per image, and one past the end: into `groups`
  std::vector<GroupIndex> groups;    // sorted within an image, each once

  std::size_t size() const { return names.size(); }
  std::span<const GroupIndex> of(ImageIndex image) const {
    return {groups.data() + first[image], first[image + 1] - first[image]};
  }
};

enum class GroupBy { kFleet, kNamespace, kRepository, kPlatform };

// Names as "host/path" for repositories and namespaces, so that two registries never mix; "(no
// ref)" and "(unknown)" where an image has none. kFleet is one group, "fleet".
[[nodiscard]] ImageGroups GroupImages(const Fleet& fleet, GroupBy by);

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

}  // namespace gneiss
