// Databases of rpm as tests make them: headers, and the three forms around them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sqlite3.h>

namespace gneiss {

struct RpmPackage {
  std::string name, version, release;
  std::optional<std::uint32_t> epoch;
  // Folders end with '/'; a file is the place of its folder and its name.
  std::vector<std::string> folders;
  std::vector<std::pair<std::uint32_t, std::string>> files;
};

inline std::string BigU32(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift);
  return bytes;
}

inline std::string LittleU32(std::uint32_t number) {
  const std::string bytes = BigU32(number);
  return {bytes.rbegin(), bytes.rend()};
}

inline std::string MakeRpmHeader(const RpmPackage& package) {
  std::string index;
  std::string data;
  std::uint32_t num_tags = 0;
  const auto add = [&](std::uint32_t tag, std::uint32_t type, std::size_t count,
                       std::string bytes) {
    if (type == 4) data.resize((data.size() + 3) / 4 * 4);
    index += BigU32(tag) + BigU32(type) + BigU32(static_cast<std::uint32_t>(data.size())) +
             BigU32(static_cast<std::uint32_t>(count));
    data += bytes;
    ++num_tags;
  };
  std::string folders;
  for (const std::string& folder : package.folders) folders.append(folder).push_back('\0');
  std::string names;
  std::string places;
  for (const auto& [place, name] : package.files) {
    names.append(name).push_back('\0');
    places += BigU32(place);
  }
  add(1000, 6, 1, package.name + '\0');
  add(1001, 6, 1, package.version + '\0');
  add(1002, 6, 1, package.release + '\0');
  if (package.epoch) add(1003, 4, 1, BigU32(*package.epoch));
  add(1004, 9, 1, std::string("a summary\0", 10));
  if (!package.files.empty()) {
    add(1116, 4, package.files.size(), places);
    add(1117, 8, package.files.size(), names);
    add(1118, 8, package.folders.size(), folders);
  }
  return BigU32(num_tags) + BigU32(static_cast<std::uint32_t>(data.size())) + index + data;
}

// What `sql` leaves behind, with `blobs` bound one by one to its last statement.
inline std::string MakeSqlite(const std::string& tables, const std::string& insert,
                              const std::vector<std::string>& blobs) {
  sqlite3* database = nullptr;
  sqlite3_open(":memory:", &database);
  sqlite3_exec(database, tables.c_str(), nullptr, nullptr, nullptr);
  for (const std::string& blob : blobs) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(database, insert.c_str(), -1, &statement, nullptr);
    sqlite3_bind_blob(statement, 1, blob.data(), static_cast<int>(blob.size()), SQLITE_STATIC);
    sqlite3_step(statement);
    sqlite3_finalize(statement);
  }
  sqlite3_int64 size = 0;
  unsigned char* const bytes = sqlite3_serialize(database, "main", &size, 0);
  std::string file(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  sqlite3_free(bytes);
  sqlite3_close(database);
  return file;
}

inline std::string MakeRpmSqlite(const std::vector<std::string>& headers) {
  return MakeSqlite(
      "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)",
      "INSERT INTO Packages (blob) VALUES (?)", headers);
}

// With a free slot after each one in use. The tails are left out, which are not read.
inline std::string MakeRpmNdb(const std::vector<std::string>& headers) {
  constexpr std::size_t kPage = 4096;
  std::string slots;
  std::string blobs;
  std::uint32_t package = 0;
  for (const std::string& header : headers) {
    ++package;
    const auto offset = static_cast<std::uint32_t>((kPage + blobs.size()) / 16);
    slots += "Slot" + LittleU32(package) + LittleU32(offset) + LittleU32(1) + "Slot" +
             std::string(12, '\0');
    blobs += "BlbS" + LittleU32(package) + LittleU32(7) +
             LittleU32(static_cast<std::uint32_t>(header.size())) + header;
    blobs.resize((blobs.size() + 15) / 16 * 16);
  }
  std::string file = "RpmP" + LittleU32(0) + LittleU32(7) + LittleU32(1) + LittleU32(package + 1) +
                     std::string(12, '\0') + slots;
  while (file.size() < kPage) file += "Slot" + std::string(12, '\0');
  return file + blobs;
}

// Pages of 512 bytes: for each header one of the table and its overflow pages, in the order of
// bytes of `number`, which writes one of 4 bytes.
inline std::string MakeRpmBerkeley(const std::vector<std::string>& headers,
                                   std::string (*number)(std::uint32_t) = LittleU32) {
  constexpr std::size_t kPage = 512;
  constexpr std::size_t kRoom = kPage - 26;
  const bool is_big = number(1) == BigU32(1);
  const auto half = [&](std::size_t value) {
    const std::string bytes = number(static_cast<std::uint32_t>(value));
    return is_big ? bytes.substr(2) : bytes.substr(0, 2);
  };
  const auto page_head = [&](std::uint32_t page, std::uint32_t next, std::size_t entries,
                             std::size_t free, char type) {
    return std::string(8, '\0') + number(page) + number(0) + number(next) + half(entries) +
           half(free) + '\0' + type;
  };
  std::string file = std::string(12, '\0') + number(0x061561) + number(9) + number(kPage) + '\0' +
                     '\x08' + std::string(kPage - 26, '\0');
  for (const std::string& header : headers) {
    const auto page = static_cast<std::uint32_t>(file.size() / kPage);
    const std::string key = '\x01' + number(page);
    const std::string value = std::string("\x03\0\0\0", 4) + number(page + 1) +
                              number(static_cast<std::uint32_t>(header.size()));
    const std::size_t key_at = kPage - key.size();
    const std::size_t value_at = key_at - value.size();
    std::string table = page_head(page, 0, 2, value_at, '\x0d') + half(key_at) + half(value_at);
    table.resize(value_at);
    file += table + value + key;
    for (std::size_t at = 0; at < header.size(); at += kRoom) {
      const std::string part = header.substr(at, kRoom);
      const auto own = static_cast<std::uint32_t>(file.size() / kPage);
      const std::uint32_t next = at + kRoom < header.size() ? own + 1 : 0;
      std::string overflow = page_head(own, next, 1, part.size(), '\x07') + part;
      overflow.resize(kPage);
      file += overflow;
    }
  }
  return file;
}

}  // namespace gneiss
