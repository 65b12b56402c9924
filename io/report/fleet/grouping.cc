#include "io/report/fleet/grouping.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::string_view kLabelPrefix = "label:";

constexpr std::size_t kLabelsNamed = 5;

// Keys of the fleet's labels for a message, those of most images first.
std::string NameLabels(const Fleet& fleet) {
  std::map<std::string_view, std::int64_t> counts;
  for (const Label& label : fleet.labels) ++counts[fleet.text(label.key)];
  if (counts.empty()) return "none has any label";
  std::vector<std::pair<std::string_view, std::int64_t>> keys(counts.begin(), counts.end());
  std::ranges::stable_sort(keys, std::greater{},
                           &std::pair<std::string_view, std::int64_t>::second);
  std::string text = "labels here: ";
  for (std::size_t i = 0; i < std::min(keys.size(), kLabelsNamed); ++i) {
    if (i > 0) text += ", ";
    text += Printable(keys[i].first);
  }
  if (keys.size() > kLabelsNamed) {
    text += ", " + FormatCounted(static_cast<std::int64_t>(keys.size() - kLabelsNamed), "other");
  }
  return text;
}

}  // namespace

std::optional<Grouping> ParseGrouping(std::string_view text) {
  if (text == "repository") return Grouping{.kind = Grouping::Kind::kRepository, .label = {}};
  if (text == "namespace") return Grouping{.kind = Grouping::Kind::kNamespace, .label = {}};
  if (text == "platform") return Grouping{.kind = Grouping::Kind::kPlatform, .label = {}};
  if (!text.starts_with(kLabelPrefix) || text.size() == kLabelPrefix.size()) return std::nullopt;
  return Grouping{.kind = Grouping::Kind::kLabel,
                  .label = std::string(text.substr(kLabelPrefix.size()))};
}

std::string GroupingName(const Grouping& grouping) {
  switch (grouping.kind) {
    case Grouping::Kind::kRepository:
      return "repository";
    case Grouping::Kind::kNamespace:
      return "namespace";
    case Grouping::Kind::kPlatform:
      return "platform";
    case Grouping::Kind::kLabel:
      break;
  }
  return std::string(kLabelPrefix) + grouping.label;
}

void RequireLabel(const Fleet& fleet, std::string_view key, const std::string& option) {
  const bool known =
      std::ranges::any_of(fleet.labels, [&](const Label& l) { return fleet.text(l.key) == key; });
  if (known) return;
  throw InputError(Printable(option) + ": no image has this label; " + NameLabels(fleet));
}

ImageGroups GroupsOf(const Fleet& fleet, const Grouping& grouping) {
  switch (grouping.kind) {
    case Grouping::Kind::kRepository:
      return GroupImages(fleet, GroupBy::kRepository);
    case Grouping::Kind::kNamespace:
      return GroupImages(fleet, GroupBy::kNamespace);
    case Grouping::Kind::kPlatform:
      return GroupImages(fleet, GroupBy::kPlatform);
    case Grouping::Kind::kLabel:
      break;
  }
  RequireLabel(fleet, grouping.label, "--by " + GroupingName(grouping));
  return GroupImagesByLabel(fleet, grouping.label);
}

}  // namespace gneiss
