// The columns of an inventory without the frame that they are compressed in: those of a sound
// inventory come back as they were when they are written and read again. The first two bytes are
// the number of entries.
#include <cstddef>
#include <string>
#include <string_view>

#include "io/store/inventory_columns.h"
#include "planner/contents/inventory.h"
#include "tests/fuzz/fuzz_reader.h"

namespace gneiss {
namespace {

void ReadFuzzedColumns(std::string_view bytes) {
  if (bytes.size() < 2) return;
  const auto byte = [&](std::size_t at) -> std::size_t {
    return static_cast<unsigned char>(bytes[at]);
  };
  const std::size_t num_entries = byte(0) << 8 | byte(1);
  const std::string_view columns = bytes.substr(2);
  Inventory inventory;
  DecodeColumns(columns, num_entries, inventory);
  Expect(inventory.entries.size() == num_entries, "another number of entries");
  inventory.blob_size = inventory.overhead_bytes;
  for (const Entry& entry : inventory.entries) {
    if (__builtin_add_overflow(inventory.blob_size, entry.blob_bytes, &inventory.blob_size)) return;
  }
  if (!FindInventoryFault(inventory).empty()) return;
  const std::string written = EncodeColumns(inventory);
  Inventory again;
  DecodeColumns(written, num_entries, again);
  Expect(EncodeColumns(again) == written, "written twice, otherwise");
}

const FuzzReader kColumnsReader("inventory_columns", ReadFuzzedColumns);

}  // namespace
}  // namespace gneiss
