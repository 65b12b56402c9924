#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "io/packages/binary_bytes.h"
#include "io/packages/rpm_databases.h"

namespace gneiss {
namespace {

constexpr std::uint64_t kMagicOffset = 12;
constexpr std::uint32_t kHashMagic = 0x061561;

std::endian OrderOf(std::string_view database) {
  const BinaryBytes big(database, std::endian::big);
  return big.U32(kMagicOffset) == kHashMagic ? std::endian::big : std::endian::little;
}

constexpr std::uint64_t kPageHeaderBytes = 26;
constexpr std::uint64_t kNextPageOffset = 16;
constexpr std::uint64_t kNumEntriesOffset = 20;  // of an overflow page: references
constexpr std::uint64_t kFreeOffset = 22;        // of an overflow page: bytes it holds
constexpr std::uint64_t kPageTypeOffset = 25;

enum PageType : std::uint32_t { kUnsortedHash = 2, kOverflow = 7, kHash = 13 };
enum ItemType : std::uint32_t { kInline = 1, kOffPage = 3 };

class BerkeleyHash {
 public:
  explicit BerkeleyHash(std::string_view database)
      : bytes_(database, OrderOf(database)), page_bytes_(bytes_.U32(kPageSizeOffset)) {}

  void ForEachValue(const TakeRpmHeader& take) {
    if (!std::has_single_bit(page_bytes_) || page_bytes_ < kMinPage || page_bytes_ > kMaxPage) {
      return;
    }
    const std::uint64_t num_pages = bytes_.size() / page_bytes_;
    for (std::uint64_t page = 1; page < num_pages; ++page) {
      const std::uint64_t at = page * page_bytes_;
      const std::uint32_t type = bytes_.U8(at + kPageTypeOffset);
      if (type != kHash && type != kUnsortedHash) continue;
      const std::uint32_t num_entries = bytes_.U16(at + kNumEntriesOffset);
      if (kPageHeaderBytes + 2 * std::uint64_t{num_entries} > page_bytes_) continue;
      // Keys and values take turns.
      for (std::uint32_t i = 1; i < num_entries; i += 2) {
        const std::string_view value = Value(at, i);
        if (!value.empty() && !take(value)) return;
        if (bytes_in_vain_ > bytes_.size()) return;
      }
    }
  }

 private:
  static constexpr std::uint64_t kPageSizeOffset = 20;
  static constexpr std::uint32_t kMinPage = 512;
  static constexpr std::uint32_t kMaxPage = 65536;

  // The value at index `i` of the page at `at`; empty where it is broken. Valid until the next
  // call.
  std::string_view Value(std::uint64_t at, std::uint32_t i) {
    const auto item_at = [&](std::uint32_t index) {
      return bytes_.U16(at + kPageHeaderBytes + 2 * std::uint64_t{index});
    };
    // Items fill a page from its end; each ends where the one before begins.
    const std::uint32_t begin = item_at(i);
    const std::uint32_t end = item_at(i - 1);
    if (begin >= end || end > page_bytes_) return {};
    const std::uint32_t type = bytes_.U8(at + begin);
    if (type == kInline) return bytes_.Slice(at + begin + 1, end - begin - 1);
    if (type != kOffPage) return {};
    return OffPage(bytes_.U32(at + begin + 4), bytes_.U32(at + begin + 8));
  }

  // `size` bytes that begin on an overflow page and go on over those that follow it.
  std::string_view OffPage(std::uint32_t page, std::uint64_t size) {
    value_.clear();
    if (size <= bytes_.size() && ReadPages(page, size)) return value_;
    // Any number of items may lead to the same pages.
    bytes_in_vain_ += value_.size();
    return {};
  }

  // Whether value_ has `size` bytes now.
  bool ReadPages(std::uint32_t page, std::uint64_t size) {
    while (value_.size() < size) {
      const std::uint64_t at = std::uint64_t{page} * page_bytes_;
      const std::uint64_t held = bytes_.U16(at + kFreeOffset);
      const std::string_view part = bytes_.Slice(at + kPageHeaderBytes, held);
      // A page that adds nothing would go on without end.
      if (page == 0 || bytes_.U8(at + kPageTypeOffset) != kOverflow || part.empty() ||
          held > page_bytes_ - kPageHeaderBytes || held > size - value_.size()) {
        return false;
      }
      value_.append(part);
      page = bytes_.U32(at + kNextPageOffset);
    }
    return true;
  }

  BinaryBytes bytes_;
  std::uint32_t page_bytes_;
  std::string value_;
  std::uint64_t bytes_in_vain_ = 0;  // read for values that turned out to be broken
};

}  // namespace

bool IsBerkeleyHash(std::string_view database) {
  return BinaryBytes(database, OrderOf(database)).U32(kMagicOffset) == kHashMagic;
}

// Pages of one size, the first for what holds for all. A page of the table has items: keys and
// values, the large ones on overflow pages of their own. Pages are read one after another and keys,
// numbers of rpm's own, passed over (Oracle Berkeley DB 5.3, dbinc/db_page.h).
void ForEachBerkeleyHeader(std::string_view database, const TakeRpmHeader& take) {
  BerkeleyHash(database).ForEachValue(take);
}

}  // namespace gneiss
