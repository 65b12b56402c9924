// The headers that a database of rpm holds. It has had three forms, told apart by their bytes:
//
//   SQLite       rpmdb.sqlite, rpm 4.16 and later (Fedora, CentOS Stream 9, Azure Linux)
//   ndb          Packages.db, openSUSE and SUSE
//   Berkeley DB  Packages, a hash table, before (CentOS 7, UBI 8, Amazon Linux 2)
//
// The bytes are those of strangers: what breaks a form ends the reading, and no more bytes of
// headers are handed over than a database has, nor more than kMaxPackages headers; one of more than
// kMaxRpmHeaderBytes is passed over.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace gneiss {

// A header, valid until the call returns; false: enough.
using TakeRpmHeader = std::function<bool(std::string_view header)>;

// A header of 100,000 files has 12 MB.
inline constexpr std::size_t kMaxRpmHeaderBytes = std::size_t{16} << 20;

// In the database's order; nothing when it has none of the forms.
// COST: O(bytes of the database); a copy of it for SQLite.
void ForEachRpmHeader(std::string_view database, const TakeRpmHeader& take);

// One form each.
[[nodiscard]] bool IsSqlite(std::string_view database);
void ForEachSqliteHeader(std::string_view database, const TakeRpmHeader& take);
[[nodiscard]] bool IsNdb(std::string_view database);
void ForEachNdbHeader(std::string_view database, const TakeRpmHeader& take);
[[nodiscard]] bool IsBerkeleyHash(std::string_view database);
void ForEachBerkeleyHeader(std::string_view database, const TakeRpmHeader& take);

}  // namespace gneiss
