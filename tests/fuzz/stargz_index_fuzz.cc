// The index of an estargz layer, against a small layer: an entry that it has in another way, or
// not, is a difference.
#include <cstdint>
#include <string>
#include <string_view>

#include "io/scan/stargz_index.h"
#include "planner/contents/inventory.h"
#include "planner/fleet/digest.h"
#include "tests/fuzz/fuzz_reader.h"

namespace gneiss {
namespace {

void ReadFuzzedIndexOfStargz(std::string_view json) {
  Inventory inventory;
  const auto add = [&](std::string_view path, EntryType type, std::string_view link) {
    Entry entry;
    entry.path = inventory.texts.Add(path);
    entry.link = inventory.texts.Add(link);
    entry.type = type;
    entry.position = static_cast<std::uint32_t>(inventory.entries.size());
    if (type == EntryType::kRegular) {
      entry.size = 1;
      entry.content = 0;
    }
    inventory.entries.push_back(entry);
  };
  add("d", EntryType::kDirectory, "");
  add("d", EntryType::kOpaque, "");
  add("d/f", EntryType::kRegular, "");
  add("d/h", EntryType::kHardLink, "d/f");
  add("d/s", EntryType::kSymlink, "../x");
  add("d/w", EntryType::kWhiteout, "");
  inventory.contents.push_back(Sha256("x"));
  SortEntries(inventory);
  const StargzDifferences differences = CompareStargzIndex(json, inventory);
  Expect(differences.count > 0 || differences.first.empty(),
         "no difference, at " + differences.first);
  Expect(differences.count <= static_cast<std::int64_t>(json.size() + inventory.entries.size()),
         "more differences than entries");
}

const FuzzReader kStargzReader("stargz_index", ReadFuzzedIndexOfStargz);

}  // namespace
}  // namespace gneiss
