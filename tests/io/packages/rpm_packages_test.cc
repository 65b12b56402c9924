#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "io/packages/package_files.h"
#include "io/packages/rpm_backends.h"
#include "io/packages/rpm_database.h"
#include "planner/contents/inventory.h"
#include "tests/make/rounds.h"
#include "tests/make/rpm_databases.h"
#include "tests/make/scan_result.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

// "path: name version", a line for each path of the database's headers.
std::string ListRpm(std::string_view database) {
  std::string list;
  ForEachRpmHeader(database, [&](std::string_view blob) {
    const auto header = ParseRpmHeader(blob);
    if (!header) {
      list += "no header\n";
      return true;
    }
    const std::string package = std::string(header->name) + " " + header->version + "\n";
    if (header->num_files == 0) list += package;
    ForEachRpmPath(*header, [&](std::string_view path) {
      list += std::string(path) + ": " + package;
      return true;
    });
    return true;
  });
  return list;
}

// The path's package, "" without one.
std::string OwnerOf(const Inventory& inventory, std::string_view path) {
  for (const Entry& entry : inventory.entries) {
    if (inventory.path(entry) != path) continue;
    if (entry.package == kNone) return "";
    const Package& package = inventory.packages[entry.package];
    return std::string(PackageSystemName(package.system)) + " " + package.name + " " +
           package.version;
  }
  FAIL("no " << path);
  return "";
}

// A fixture of tests/rpm_databases, as it is before gzip.
std::string RpmFixture(const std::string& name) {
  return Gunzip(ReadWholeFile("tests/rpm_databases/" + name + ".gz"));
}

const std::vector<std::string> kTwoHeaders = {
    MakeRpmHeader({.name = "bash",
                   .version = "5.1.8",
                   .release = "9.el9",
                   .epoch = {},
                   .folders = {"/usr/bin/", "/etc/"},
                   .files = {{0, "bash"}, {1, "bashrc"}, {0, "sh"}}}),
    MakeRpmHeader({.name = "gpg-pubkey",
                   .version = "fd431d51",
                   .release = "4ae0493b",
                   .epoch = 0,
                   .folders = {},
                   .files = {}})};
const std::string kTwoListed =
    "/usr/bin/bash: bash 5.1.8-9.el9\n/etc/bashrc: bash 5.1.8-9.el9\n"
    "/usr/bin/sh: bash 5.1.8-9.el9\ngpg-pubkey 0:fd431d51-4ae0493b\n";

TEST_CASE("The three forms of rpm's database hold the same headers", "[io][rpm]") {
  CHECK(ListRpm(MakeRpmSqlite(kTwoHeaders)) == kTwoListed);
  CHECK(ListRpm(MakeRpmNdb(kTwoHeaders)) == kTwoListed);
  CHECK(ListRpm(MakeRpmBerkeley(kTwoHeaders)) == kTwoListed);
  CHECK(ListRpm(MakeRpmBerkeley(kTwoHeaders, BigU32)) == kTwoListed);
  CHECK(ListRpm("").empty());
  CHECK(ListRpm("something else").empty());
}

TEST_CASE("Databases that rpm and Berkeley DB wrote give entries to their packages", "[io][rpm]") {
  for (const std::string name : {"rpmdb.sqlite", "Packages"}) {
    for (const std::string folder : {"var/lib/rpm/", "usr/lib/sysimage/rpm/"}) {
      const Inventory inventory =
          ScanTar(File("usr/bin/tool") + File("etc/tool.d/a b") + File("usr/lib64/library.so.1") +
                  File("usr/lib/library.so.1") + File("usr/share/tool/part-59/file") +
                  File("usr/share/tool/part-60/file") + File(folder + name, RpmFixture(name)) +
                  EndBlocks());
      INFO(folder + name);
      CHECK(OwnerOf(inventory, "usr/bin/tool") == "rpm tool 1:2.0~rc1-3.el9");
      CHECK(OwnerOf(inventory, "etc/tool.d/a b") == "rpm tool 1:2.0~rc1-3.el9");
      CHECK(OwnerOf(inventory, "usr/share/tool/part-59/file") == "rpm tool 1:2.0~rc1-3.el9");
      CHECK(OwnerOf(inventory, "usr/share/tool/part-60/file").empty());
      CHECK(OwnerOf(inventory, "usr/lib64/library.so.1") == "rpm library 1.4^git7-1");
      CHECK(OwnerOf(inventory, "usr/lib/library.so.1") == "rpm library 1.4^git7-1");
      CHECK(inventory.packages.size() == 2);
    }
  }
}

TEST_CASE("Packages of rpm go before Python's, and stand for what a layer has of them",
          "[io][rpm]") {
  const std::string site = "usr/lib/python3/site-packages/";
  const std::string database =
      MakeRpmSqlite({MakeRpmHeader({.name = "python3-six",
                                    .version = "1.16",
                                    .release = "1",
                                    .epoch = {},
                                    .folders = {"/" + site},
                                    .files = {{0, "six.py"}}}),
                     MakeRpmHeader({.name = "below",
                                    .version = "1",
                                    .release = "1",
                                    .epoch = {},
                                    .folders = {"/lib64/"},
                                    .files = {{0, "libc.so.6"}, {1, "x"}}}),
                     MakeRpmHeader({.name = "elsewhere",
                                    .version = "1",
                                    .release = "1",
                                    .epoch = {},
                                    .folders = {"/opt/"},
                                    .files = {{0, "file"}}}),
                     MakeRpmHeader({.name = "bad name",
                                    .version = "1",
                                    .release = "1",
                                    .epoch = {},
                                    .folders = {"/etc/"},
                                    .files = {{0, "bad"}}})});
  const Inventory inventory =
      ScanTar(File(site + "six.py") + File(site + "six-1.16.dist-info/RECORD", "six.py,,\n") +
              File("usr/lib64/libc.so.6") + File("etc/bad") +
              File("var/lib/rpm/rpmdb.sqlite", database) + EndBlocks());
  CHECK(OwnerOf(inventory, site + "six.py") == "rpm python3-six 1.16-1");
  CHECK(OwnerOf(inventory, "usr/lib64/libc.so.6") == "rpm below 1-1");
  CHECK(OwnerOf(inventory, "etc/bad").empty());
  CHECK(inventory.packages.size() == 2);
}

TEST_CASE("A header that is cut or damaged is passed over, and reads nothing beyond it",
          "[io][rpm]") {
  const std::string& header = kTwoHeaders[0];
  for (std::size_t size = 0; size < header.size(); ++size) {
    CHECK_FALSE(ParseRpmHeader(std::string_view(header).substr(0, size)).has_value());
  }
  std::mt19937_64 random(5);
  for (int round = 0; round < NumRounds(20'000); ++round) {
    std::string damaged = header;
    for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    if (const auto parsed = ParseRpmHeader(damaged)) {
      std::size_t bytes = 0;
      ForEachRpmPath(*parsed, [&](std::string_view path) {
        bytes += path.size();
        return true;
      });
      if (bytes > 100 * header.size()) FAIL("round " << round);
    }
  }
  SUCCEED();
}

TEST_CASE("Damaged databases of rpm end, and hand over no more than they have", "[io][rpm]") {
  std::mt19937_64 random(6);
  for (const std::string& whole :
       {MakeRpmSqlite(kTwoHeaders), MakeRpmNdb(kTwoHeaders), MakeRpmBerkeley(kTwoHeaders)}) {
    for (int round = 0; round < NumRounds(2'000); ++round) {
      std::string damaged = whole;
      const int num_changes = 1 + static_cast<int>(random() % 8);
      for (int i = 0; i < num_changes; ++i) {
        // Where the numbers are, as often as anywhere.
        const std::size_t reach = random() % 2 == 0 ? 600 : damaged.size();
        damaged[random() % std::min(reach, damaged.size())] = static_cast<char>(random());
      }
      if (random() % 4 == 0) damaged.resize(random() % damaged.size());
      std::size_t bytes = 0;
      ForEachRpmHeader(damaged, [&](std::string_view header) {
        bytes += header.size();
        return true;
      });
      if (bytes > damaged.size()) FAIL("round " << round);
    }
  }
  SUCCEED();
}

TEST_CASE("A chain of pages that comes back to itself ends", "[io][rpm]") {
  std::string database = MakeRpmBerkeley({MakeRpmHeader({.name = std::string(2000, 'a'),
                                                         .version = "1",
                                                         .release = "1",
                                                         .epoch = {},
                                                         .folders = {},
                                                         .files = {}})});
  // The second overflow page goes back to the first.
  database.replace(3 * 512 + 16, 4, LittleU32(2));
  CHECK(ListRpm(database).empty());
}

TEST_CASE("Many values that lead to one broken chain of pages end the reading", "[io][rpm]") {
  constexpr std::uint32_t kNumPages = 40'000;
  constexpr std::uint32_t kNumTables = 400;
  constexpr std::uint32_t kNumItems = 24;  // of a table, a key and a value each
  std::string database = MakeRpmBerkeley({});
  const auto half = [](std::size_t value) {
    return LittleU32(static_cast<std::uint32_t>(value)).substr(0, 2);
  };
  for (std::uint32_t table = 0; table < kNumTables; ++table) {
    std::string page(512, '\0');
    page.replace(20, 2, half(2 * kNumItems));
    page[25] = '\x0d';
    std::size_t at = page.size();
    for (std::uint32_t item = 0; item < kNumItems; ++item) {
      page.replace(26 + 4 * item, 2, half(--at));  // a key
      at -= 12;
      page.replace(26 + 4 * item + 2, 2, half(at));
      page.replace(
          at, 12,
          std::string("\x03\0\0\0", 4) + LittleU32(1 + kNumTables) + LittleU32(kNumPages * 486));
    }
    database += page;
  }
  for (std::uint32_t i = 1; i < kNumPages; ++i) {
    std::string page(512, 'x');
    page.replace(16, 4, LittleU32(1 + kNumTables + i));
    page.replace(22, 2, half(486));
    page[25] = '\x07';
    database += page;
  }
  CHECK(ListRpm(database).empty());
}

TEST_CASE("A header that names its package many times is read once", "[io][rpm]") {
  constexpr std::uint32_t kNumTags = 200'000;
  constexpr std::uint32_t kTextBytes = 8'000'000;
  std::string index;
  for (std::uint32_t i = 0; i < kNumTags; ++i) {
    index += BigU32(1000) + BigU32(6) + BigU32(2) + BigU32(1);
  }
  index += BigU32(1001) + BigU32(6) + BigU32(0) + BigU32(1);
  index += BigU32(1002) + BigU32(6) + BigU32(0) + BigU32(1);
  const std::string text = std::string("1\0", 2) + std::string(kTextBytes, 'a') + '\0';
  const std::string blob =
      BigU32(kNumTags + 2) + BigU32(static_cast<std::uint32_t>(text.size())) + index + text;
  const auto header = ParseRpmHeader(blob);
  REQUIRE(header);
  CHECK(header->name.size() == kTextBytes);
  CHECK(header->version == "1-1");
}

TEST_CASE("Only a table of stored columns is read of an SQLite database", "[io][rpm]") {
  const auto list = [](const std::string& tables) {
    return ListRpm(MakeSqlite(tables, "INSERT INTO t VALUES (?)", {kTwoHeaders[0]}));
  };
  const std::string stored = "CREATE TABLE t (b BLOB);";
  CHECK(list("CREATE TABLE Packages (blob BLOB); CREATE TABLE t (b BLOB);").empty());
  CHECK(list(stored + "CREATE VIEW Packages AS SELECT b AS blob FROM t").empty());
  CHECK(list(stored + "CREATE VIEW Packages AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT "
                      "i + 1 FROM n) SELECT t.b AS blob FROM n, t")
            .empty());
  CHECK(list(stored + "CREATE TABLE Packages (x, blob AS (randomblob(100000000)));"
                      "INSERT INTO Packages (x) VALUES (1)")
            .empty());
  CHECK(list(stored + "CREATE TABLE Packages (blob TEXT); INSERT INTO Packages VALUES ('text')")
            .empty());
}

TEST_CASE(
    "A directory's name that is repeated without end gives no more paths than the database "
    "has bytes",
    "[io][rpm]") {
  RpmPackage package{.name = "p", .version = "1", .release = "1", .epoch = {}};
  package.folders = {"/" + std::string(90, 'd') + "/"};
  for (int i = 0; i < 10'000; ++i) package.files.emplace_back(0, "f");
  const Inventory inventory = ScanTar(
      File(std::string(90, 'd') + "/f") +
      File("var/lib/rpm/Packages.db", MakeRpmNdb({MakeRpmHeader(package), kTwoHeaders[0]})) +
      File("etc/bashrc") + EndBlocks());
  CHECK(OwnerOf(inventory, std::string(90, 'd') + "/f") == "rpm p 1-1");
  // The bytes are used up.
  CHECK(OwnerOf(inventory, "etc/bashrc").empty());
}

TEST_CASE("A database of rpm may be larger than a file of text, up to a limit", "[io][rpm]") {
  PackageFiles files;
  const std::string path = "usr/lib/sysimage/rpm/rpmdb.sqlite";
  CHECK(files.Take(path, EntryType::kRegular, kMaxRpmDatabaseBytes) != nullptr);
  CHECK(files.Take(path, EntryType::kRegular, kMaxRpmDatabaseBytes + 1) == nullptr);
  CHECK(files.num_passed_over() == 1);
  CHECK_FALSE(IsRpmDatabase("var/lib/rpm/x/Packages"));
  CHECK_FALSE(IsRpmDatabase("Packages"));
}

}  // namespace
}  // namespace gneiss
