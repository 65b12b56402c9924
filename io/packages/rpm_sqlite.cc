#include <memory>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "io/packages/rpm_databases.h"

namespace gneiss {
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
