// Files of the store: what can be read is sound, is what its summary says, and comes back as it was
// when it is written and read again.
#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "io/store/inventory_file.h"
#include "planner/contents/inventory.h"
#include "planner/fleet/digest.h"
#include "tests/fuzz/fuzz_reader.h"

namespace gneiss {
namespace {

void ReadFuzzedInventory(std::string_view file) {
  const SealedInventory sealed = TakeSeal(file);
  if (sealed.mac) {
    Expect(PutSeal(std::string(sealed.content), *sealed.mac) == file, "another seal");
  }
  const std::string refusal = RefusalFrom([&] { (void)ReadInventorySummary(sealed.content); });
  const ScannedLayer layer = DecodeInventoryFile(sealed.content);
  Expect(refusal.empty(), "its summary alone is refused: " + refusal);
  const InventorySummary summary = ReadInventorySummary(sealed.content);
  Expect(summary.is_tar == layer.inventory.has_value(), "a tar and none at once");
  if (!layer.inventory) {
    Expect(EncodeNotATar(summary.layer, summary.blob_size, layer.not_a_tar) == sealed.content,
           "written otherwise");
    return;
  }
  const std::string fault = FindInventoryFault(*layer.inventory);
  Expect(fault.empty(), "fault: " + fault);
  Expect(layer.inventory->entries.size() == static_cast<std::size_t>(summary.num_entries) &&
             layer.inventory->diff_id == summary.diff_id &&
             layer.inventory->warnings == summary.warnings &&
             layer.inventory->os_release == summary.os_release,
         "another summary");
  // The frame of the columns may be compressed in many ways, and has one as it is written here.
  const std::string written = EncodeInventory(*layer.inventory);
  const ScannedLayer again = DecodeInventoryFile(written);
  Expect(EncodeInventory(*again.inventory) == written, "written twice, otherwise");
}

void MendInventorySum(std::span<char> file) {
  if (file.size() < Digest::kBytes) return;
  const std::size_t size = file.size() - Digest::kBytes;
  const Digest sum = Sha256({file.data(), size});
  std::ranges::copy(sum.bytes, file.begin() + static_cast<std::ptrdiff_t>(size));
}

const FuzzReader kInventoryReader("inventory_file", ReadFuzzedInventory, MendInventorySum);

}  // namespace
}  // namespace gneiss
