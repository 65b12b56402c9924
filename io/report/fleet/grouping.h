// Ways in which a report sorts images into rows, as --by spells them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"

namespace gneiss {

// What the rows of a table stand for.
struct Grouping {
  enum class Kind { kRepository, kNamespace, kPlatform, kLabel };
  Kind kind = Kind::kRepository;
  std::string label;  // key, for kLabel

  friend bool operator==(const Grouping&, const Grouping&) = default;
};

// "repository", "namespace", "platform" or "label:KEY"; nullopt for anything else.
[[nodiscard]] std::optional<Grouping> ParseGrouping(std::string_view text);
// As ParseGrouping takes it.
[[nodiscard]] std::string GroupingName(const Grouping& grouping);

// Throws InputError, which begins with `option`, when no image has a label of this key; it names
// the keys that there are.
void RequireLabel(const Fleet& fleet, std::string_view key, const std::string& option);

// The groups of a fleet. Throws what RequireLabel throws, of "--by label:KEY".
[[nodiscard]] ImageGroups GroupsOf(const Fleet& fleet, const Grouping& grouping);

}  // namespace gneiss
