#include "io/packages/rpm_backends.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "io/packages/rpm_database.h"

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

namespace {

struct CloseSqlite {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using SqliteStatement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

SqliteStatement Prepare(sqlite3& database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  (void)sqlite3_prepare_v2(&database, sql.data(), static_cast<int>(sql.size()), &statement,
                           nullptr);
  return SqliteStatement(statement);
}

// SQLite stops a statement when its progress handler says so: a row costs about ten steps, so that
// this is far more than kMaxPackages rows take.
constexpr int kStepsPerCall = 100'000;
constexpr int kMaxCalls = 100;

int CountCall(void* calls) { return ++*static_cast<int*>(calls) > kMaxCalls ? 1 : 0; }

}  // namespace

bool IsSqlite(std::string_view database) {
  return database.starts_with(std::string_view("SQLite format 3\0", 16));
}

void ForEachSqliteHeader(std::string_view database, const TakeRpmHeader& take) {
  constexpr std::size_t kHeaderBytes = 100;
  constexpr std::size_t kFormatVersions = 18;  // of writing and of reading; 2: with a log (WAL)
  if (database.size() < kHeaderBytes) return;
  // rpm has it with a log, for which SQLite wants a file beside it. Without: as it was when the log
  // was last folded in, which rpm does when it is done.
  std::string bytes(database);
  bytes[kFormatVersions] = bytes[kFormatVersions + 1] = 1;

  sqlite3* opened = nullptr;
  const int status =
      sqlite3_open_v2(":memory:", &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  const std::unique_ptr<sqlite3, CloseSqlite> connection(opened);
  if (status != SQLITE_OK) return;
  // What the library advises for databases of strangers (sqlite.org/security.html).
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  for (const int off : {SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_ENABLE_TRIGGER,
                        SQLITE_DBCONFIG_ENABLE_VIEW}) {
    sqlite3_db_config(opened, off, 0, nullptr);
  }
  sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, static_cast<int>(bytes.size()));
  int calls = 0;
  sqlite3_progress_handler(opened, kStepsPerCall, CountCall, &calls);
  if (sqlite3_deserialize(opened, "main", reinterpret_cast<unsigned char*>(bytes.data()),
                          static_cast<sqlite3_int64>(bytes.size()),
                          static_cast<sqlite3_int64>(bytes.size()),
                          SQLITE_DESERIALIZE_READONLY) != SQLITE_OK) {
    return;
  }
  // A table of its own, neither a view nor one that a module computes, and of stored columns only.
  const SqliteStatement tables =
      Prepare(*opened,
              "SELECT 1 FROM main.sqlite_schema AS s, pragma_table_xinfo('Packages', 'main') AS c "
              "WHERE s.type = 'table' AND s.name = 'Packages' AND s.rootpage > 0 "
              "AND c.name = 'blob' AND c.hidden = 0");
  if (tables == nullptr || sqlite3_step(tables.get()) != SQLITE_ROW) return;
  // Without an order of its own: SQLite would sort rows that are not in the order of a key.
  const SqliteStatement rows = Prepare(*opened, "SELECT blob FROM main.Packages NOT INDEXED");
  while (rows != nullptr && sqlite3_step(rows.get()) == SQLITE_ROW) {
    if (sqlite3_column_type(rows.get(), 0) != SQLITE_BLOB) continue;
    const auto* const header = static_cast<const char*>(sqlite3_column_blob(rows.get(), 0));
    const int size = sqlite3_column_bytes(rows.get(), 0);
    if (header == nullptr || size <= 0) continue;
    if (!take(std::string_view(header, static_cast<std::size_t>(size)))) return;
  }
}

}  // namespace gneiss
