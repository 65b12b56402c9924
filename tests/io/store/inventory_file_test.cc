#include "io/store/inventory_file.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "io/store/inventory_columns.h"
#include "planner/fleet/bytes.h"
#include "tests/make/random_inventory.h"
#include "tests/make/rounds.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

// Everything that an inventory says, without the numbering of its texts.
void CheckSame(const Inventory& a, const Inventory& b) {
  CHECK(a.layer == b.layer);
  CHECK(a.diff_id == b.diff_id);
  CHECK(a.blob_size == b.blob_size);
  CHECK(a.tar_size == b.tar_size);
  CHECK(a.overhead_bytes == b.overhead_bytes);
  CHECK(a.sampled == b.sampled);
  CHECK(a.codec == b.codec);
  CHECK(a.contents == b.contents);
  CHECK(a.warnings == b.warnings);
  CHECK(a.extremes == b.extremes);
  CHECK(a.packages == b.packages);
  CHECK(a.os_release == b.os_release);
  REQUIRE(a.entries.size() == b.entries.size());
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    Entry x = a.entries[i];
    Entry y = b.entries[i];
    CHECK(a.path(x) == b.path(y));
    CHECK(a.link(x) == b.link(y));
    CHECK(a.texts[x.xattrs] == b.texts[y.xattrs]);
    CHECK(x.size == y.size);
    CHECK(x.stored_size == y.stored_size);
    CHECK(x.blob_bytes == y.blob_bytes);
    CHECK(x.mtime == y.mtime);
    CHECK(x.mtime_nsec == y.mtime_nsec);
    CHECK(x.uid == y.uid);
    CHECK(x.gid == y.gid);
    CHECK(x.content == y.content);
    CHECK(x.package == y.package);
    CHECK(x.position == y.position);
    CHECK(x.device_major == y.device_major);
    CHECK(x.device_minor == y.device_minor);
    CHECK(x.mode == y.mode);
    CHECK(x.type == y.type);
    CHECK(x.head == y.head);
  }
}

std::string InventoryErrorOf(const std::string& file) {
  return MessageOf<InputError>([&] { (void)DecodeInventoryFile(file); });
}

// `file` with `change` made to it and the sha256 at its end put right: what a writer with a fault,
// or an enemy, would leave.
template <typename F>
std::string Resigned(std::string file, const F& change) {
  file.resize(file.size() - 32);
  change(file);
  const Digest digest = Sha256(file);
  return file.append(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
}

TEST_CASE("An inventory comes back as it was", "[io][inventory_file]") {
  std::mt19937_64 random(1);
  for (const std::size_t num_entries : {0, 1, 2, 3, 10, 100, 300}) {
    const Inventory inventory = RandomInventory(random, num_entries);
    REQUIRE(FindInventoryFault(inventory).empty());
    const std::string file = EncodeInventory(inventory);
    const ScannedLayer decoded = DecodeInventoryFile(file);
    REQUIRE(decoded.inventory.has_value());
    CheckSame(inventory, *decoded.inventory);
    CHECK(EncodeInventory(*decoded.inventory) == file);
    CHECK(ReadInventorySummary(file) ==
          InventorySummary{.layer = inventory.layer,
                           .blob_size = inventory.blob_size,
                           .is_tar = true,
                           .found = {},
                           .diff_id = inventory.diff_id,
                           .tar_size = inventory.tar_size,
                           .num_entries = std::ssize(inventory.entries),
                           .extremes = inventory.extremes,
                           .warnings = inventory.warnings,
                           .num_packages = std::ssize(inventory.packages),
                           .os_release = inventory.os_release});
  }
}

TEST_CASE("The file does not show in which order texts were added", "[io][inventory_file]") {
  std::mt19937_64 random(2);
  const Inventory inventory = RandomInventory(random, 50);
  Inventory other = inventory;
  other.texts = EntryTexts();
  other.texts.Add("of no entry");
  for (auto entry = other.entries.rbegin(); entry != other.entries.rend(); ++entry) {
    entry->xattrs = other.texts.Add(inventory.texts[entry->xattrs]);
    entry->link = other.texts.Add(inventory.texts[entry->link]);
    entry->path = other.texts.Add(inventory.texts[entry->path]);
  }
  CHECK(EncodeInventory(other) == EncodeInventory(inventory));
}

TEST_CASE("A layer that is no tar is remembered in a few bytes", "[io][inventory_file]") {
  const Digest layer = Sha256("layer");
  const std::string file = EncodeNotATar(layer, 7, {.found = "JSON"});
  CHECK(file.size() == 8 + 1 + 32 + 1 + 5 + 32);
  const ScannedLayer decoded = DecodeInventoryFile(file);
  CHECK_FALSE(decoded.inventory.has_value());
  CHECK(decoded.not_a_tar.found == "JSON");
  const InventorySummary summary = ReadInventorySummary(file);
  CHECK_FALSE(summary.is_tar);
  CHECK(summary.layer == layer);
  CHECK(summary.blob_size == 7);
  CHECK(summary.found == "JSON");
}

TEST_CASE("An entry takes less than 60 bytes, 32 of them its content's digest",
          "[io][inventory_file]") {
  std::mt19937_64 random(3);
  const Inventory inventory = PackageInventory(random, 20'000);
  const std::string file = EncodeInventory(inventory);
  CHECK(file.size() < 60 * inventory.entries.size());
  CHECK(file.size() > 32 * inventory.contents.size());
}

TEST_CASE("Every changed byte and every lost one is noticed", "[io][inventory_file]") {
  std::mt19937_64 random(4);
  for (const std::string& file : {EncodeInventory(RandomInventory(random, 8)),
                                  EncodeNotATar(Sha256("layer"), 7, {.found = "JSON"})}) {
    std::size_t unnoticed = 0;
    const auto expect_error = [&](const std::string& changed) {
      for (const auto& read : {+[](const std::string& f) { (void)DecodeInventoryFile(f); },
                               +[](const std::string& f) { (void)ReadInventorySummary(f); }}) {
        try {
          read(changed);
          ++unnoticed;
        } catch (const InputError&) {
        }
      }
    };
    for (std::size_t i = 0; i < file.size(); ++i) {
      for (int change = 1; change < 256; change += kIsSanitized ? 23 : 1) {
        std::string changed = file;
        changed[i] = static_cast<char>(changed[i] ^ change);
        expect_error(changed);
      }
      expect_error(file.substr(0, i));
      expect_error(file.substr(0, i) + file.substr(i + 1));
    }
    expect_error(file + '\0');
    CHECK(unnoticed == 0);
  }
}

TEST_CASE("What is no inventory is named", "[io][inventory_file]") {
  const std::string file = EncodeNotATar(Sha256("layer"), 7, {.found = "JSON"});
  CHECK(InventoryErrorOf("") == "expected an inventory, found a file of 0 bytes");
  CHECK(InventoryErrorOf("{\"schemaVersion\":2}") ==
        "expected an inventory, found another kind of file");
  CHECK(InventoryErrorOf(file.substr(0, 30)) ==
        "expected an inventory of 40 to 2147483648 bytes, found 30");
  std::string newer = file;
  newer[7] = kInventoryFileVersion + 1;
  CHECK(InventoryErrorOf(newer) == "expected an inventory of version 5, found version 6");
  std::string damaged = file;
  damaged[50] ^= 1;
  CHECK(InventoryErrorOf(damaged).starts_with("expected content of sha256:"));
  CHECK(InventoryErrorOf(damaged).ends_with("; the file is damaged"));
  CHECK(InventoryErrorOf(Resigned(file, [](std::string& f) { f[8] = 3; })) ==
        "byte 9: expected kind 1 or 2 of content, found 3");
  CHECK(InventoryErrorOf(Resigned(file, [](std::string& f) { f += '!'; })) ==
        "byte 47: expected the end, found 1 more bytes");
  CHECK(InventoryErrorOf(Resigned(file, [](std::string& f) { f.resize(20); })) ==
        "byte 9: expected a layer's digest of 32 bytes, found 11 before the end");
}

TEST_CASE("A signed file that holds no inventory does no harm", "[io][inventory_file]") {
  std::mt19937_64 random(5);
  Inventory inventory = RandomInventory(random, 4);
  inventory.extremes = {};
  inventory.warnings.clear();
  inventory.os_release = {};
  const std::string file = EncodeInventory(inventory);
  CHECK(InventoryErrorOf(Resigned(file, [](std::string& f) {
          f.resize(f.size() - 5);
        })).starts_with("expected a zstd frame, found "));
  // Sums that are not those of the header.
  Inventory other = inventory;
  other.blob_size += 1;
  CHECK(InventoryErrorOf(EncodeInventory(other)) ==
        "expected a sound inventory, found bytes that belong to no entry");
  other = inventory;
  std::swap(other.entries[0], other.entries[1]);
  CHECK(InventoryErrorOf(EncodeInventory(other)) == "expected a sound inventory, found not sorted");
  // A small frame of very many zeros.
  const auto packed_size = [](Bytes number) {
    PackedWriter writer;
    writer.Number(static_cast<std::uint64_t>(number));
    return writer.bytes().size();
  };
  const std::size_t count =
      8 + 1 + 32 + packed_size(inventory.blob_size) + 32 + packed_size(inventory.tar_size);
  constexpr std::size_t kRestOfSummary = 7 + 1 + 1 + 3;
  const auto with_payload = [&](const std::string& payload, std::uint8_t num_entries) {
    return Resigned(file, [&](std::string& f) {
      f.resize(count + 1 + kRestOfSummary);
      f[count] = static_cast<char>(num_entries);
      f += Zstd(payload);
    });
  };
  CHECK(InventoryErrorOf(with_payload(std::string(100'000'000, '\0'), 4)) ==
        "unpacked byte 84: expected the end, found 99999916 more bytes");
  CHECK(InventoryErrorOf(with_payload(std::string(60, '\0'), 4)) ==
        "unpacked byte 5: expected 4 entries, found 55 bytes");
  CHECK(InventoryErrorOf(with_payload("\x03", 0)) ==
        "unpacked byte 1: expected a codec of 0 to 2, found 3");
}

TEST_CASE("Packages that are none are refused", "[io][inventory_file]") {
  std::mt19937_64 random(7);
  const auto error = [&](const auto& change) {
    Inventory inventory = RandomInventory(random, 60);
    REQUIRE(inventory.packages.size() > 2);
    change(inventory);
    return InventoryErrorOf(EncodeInventory(inventory));
  };
  const std::string unsound = "expected a sound inventory, found ";
  CHECK(error([](Inventory& i) { i.packages[0].name.clear(); }) ==
        unsound + "a package without a name");
  CHECK(error([](Inventory& i) { i.packages[0].name = "a\n"; }) ==
        unsound + "a package without a name");
  CHECK(error([](Inventory& i) { i.packages[0].version = "\x1b[31m"; }) ==
        unsound + "a package's version that is none");
  CHECK(error([](Inventory& i) { std::swap(i.packages[0], i.packages[1]); }) ==
        unsound + "packages that are not sorted");
  CHECK(error([](Inventory& i) {
          i.packages.push_back({.system = PackageSystem::kWheel, .name = "z", .version = "1"});
        }) == unsound + "a package without entries");
  CHECK(error([](Inventory& i) { i.os_release.id = "a b"; }) ==
        unsound + "an os-release that is none");
  CHECK(error([](Inventory& i) {
          i.os_release.id.assign(256, 'a');
        }).ends_with("expected a field of os-release of at most 255, found 256"));
  CHECK(error([](Inventory& i) {
          i.packages[0].name.assign(256, 'a');
        }).ends_with("expected a package's name of at most 255, found 256"));
  CHECK(error([](Inventory& i) {
          i.packages[0].system = static_cast<PackageSystem>(5);
        }).ends_with("expected a package system of at most 4, found 5"));
  CHECK(error([](Inventory& i) { i.packages.pop_back(); }).find("found") != std::string::npos);
}

TEST_CASE("Columns of any bytes give an inventory or an error", "[io][inventory_file]") {
  std::mt19937_64 random(6);
  const Inventory original = RandomInventory(random, 12);
  const std::string good = EncodeColumns(original);
  int decoded = 0;
  for (int round = 0; round < NumRounds(20'000); ++round) {
    std::string columns = good;
    for (std::uint64_t left = 1 + random() % 4; left > 0; --left) {
      columns[random() % columns.size()] = static_cast<char>(random());
    }
    Inventory inventory;
    inventory.blob_size = original.blob_size;
    try {
      DecodeColumns(columns, 12, inventory);
      // Reading what came out must be safe, sound or not.
      if (FindInventoryFault(inventory).empty()) ++decoded;
    } catch (const InputError& error) {
      if (!error.place().starts_with("byte ")) FAIL(error.what());
    }
  }
  CHECK(decoded > 100);
}

TEST_CASE("Front-coded paths cannot unpack to more than their limit", "[io][inventory_file]") {
  // Each path shares all of a megabyte with the one before it.
  PackedWriter columns;
  columns.Byte(0);
  for (int number = 0; number < 4; ++number) columns.Number(0);
  const std::size_t count = 3000;
  for (std::size_t i = 0; i < count; ++i) columns.Number(i == 0 ? 0 : 1 << 20);
  for (std::size_t i = 0; i < count; ++i) columns.Number(i == 0 ? 1 << 20 : 0);
  columns.Raw(std::string(1 << 20, 'x'));
  columns.Raw(std::string(20 * count, '\0'));
  Inventory inventory;
  CHECK(MessageOf<InputError>([&] {
          DecodeColumns(columns.bytes(), count, inventory);
        }).ends_with("expected texts of at most 2147483648 bytes in all, found more"));
}

TEST_CASE("Numbers have one form, and every number comes back", "[io][packed_bytes]") {
  PackedWriter writer;
  std::vector<std::int64_t> values = {0, 1, -1, 63, 64, -64, -65, INT64_MAX, INT64_MIN};
  for (const std::int64_t value : values) {
    writer.Signed(value);
    writer.Number(static_cast<std::uint64_t>(value));
  }
  PackedReader reader(writer.bytes());
  for (const std::int64_t value : values) {
    CHECK(reader.Signed() == value);
    CHECK(reader.Number(UINT64_MAX, "a number") == static_cast<std::uint64_t>(value));
  }
  CHECK(reader.remaining() == 0);
  const auto error_of = [](std::string_view bytes, std::uint64_t limit) {
    return MessageOf<InputError>([&] { (void)PackedReader(bytes, 100).Number(limit, "a mode"); });
  };
  CHECK(error_of("\x80", 5) == "byte 101: expected another byte, found the end");
  CHECK(error_of(std::string_view("\x81\0", 2), 5) ==
        "byte 101: expected a number of 64 bits in its shortest form, found another form");
  CHECK(error_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 5) ==
        "byte 109: expected a number of 64 bits in its shortest form, found another form");
  CHECK(error_of("\x07", 5) == "byte 100: expected a mode of at most 5, found 7");
}

}  // namespace
}  // namespace gneiss
