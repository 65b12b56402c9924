#include "planner/waste/secrets.h"

namespace gneiss {

std::vector<FoundSecret> FindSecrets(const Fleet& fleet, const LayerContents& contents) {
  std::vector<FoundSecret> secrets;
  for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
    if (!contents.inventories[l]) continue;
    const Inventory& inventory = *contents.inventories[l];
    for (std::uint32_t e = 0; e < inventory.entries.size(); ++e) {
      const Entry& entry = inventory.entries[e];
      // A hard link is a name of a secret too.
      const bool has_bytes = entry.type == EntryType::kRegular && entry.size > 0;
      if (!has_bytes && entry.type != EntryType::kHardLink) continue;
      const WasteRuleIndex rule = FindWasteRule(inventory.path(entry), entry.head);
      if (rule == kNoWasteRule || WasteRules()[rule].kind != WasteKind::kSecret) continue;
      secrets.push_back({.entry = {.layer = l, .entry = e}, .rule = rule});
    }
  }
  return secrets;
}

}  // namespace gneiss
