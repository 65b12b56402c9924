#include <bit>
#include <cstdint>
#include <string_view>

#include "io/packages/binary_bytes.h"
#include "io/packages/rpm_databases.h"

namespace gneiss {
namespace {

constexpr std::string_view kNdbMagic = "RpmP";

}  // namespace

bool IsNdb(std::string_view database) { return database.starts_with(kNdbMagic); }

// Little endian. A header of 32 bytes and slots of 16 fill some pages of 4 KiB; a slot in use has
// the number of a package and where its blob is, in blocks of 16 bytes. A blob is framed by a head
// of 16 bytes, which has the number and the length once more, and a tail (rpm, rpmpkg.c).
void ForEachNdbHeader(std::string_view database, const TakeRpmHeader& take) {
  constexpr std::uint64_t kHeaderBytes = 32;
  constexpr std::uint64_t kSlotBytes = 16;
  constexpr std::uint64_t kPageBytes = 4096;
  constexpr std::uint64_t kBlockBytes = 16;
  constexpr std::uint64_t kBlobHeadBytes = 16;
  constexpr std::uint64_t kNumPagesOffset = 12;
  const BinaryBytes bytes(database, std::endian::little);
  const std::uint64_t slots_end = kPageBytes * bytes.U32(kNumPagesOffset);
  for (std::uint64_t slot = kHeaderBytes; slot < slots_end; slot += kSlotBytes) {
    if (bytes.Slice(slot, 4) != "Slot") return;
    const std::uint32_t package = bytes.U32(slot + 4);
    if (package == 0) continue;
    const std::uint64_t blob = kBlockBytes * bytes.U32(slot + 8);
    if (bytes.Slice(blob, 4) != "BlbS" || bytes.U32(blob + 4) != package) continue;
    const std::string_view header =
        bytes.Slice(blob + kBlobHeadBytes, bytes.U32(blob + kBlobHeadBytes - 4));
    if (!header.empty() && !take(header)) return;
  }
}

}  // namespace gneiss
