// Inventories for tests: random ones that use every field, and plain ones as of a package's files.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "planner/contents/inventory.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

inline Digest RandomDigest(std::mt19937_64& random) {
  Digest digest;
  for (std::uint8_t& byte : digest.bytes) byte = static_cast<std::uint8_t>(random());
  return digest;
}

// Sound (FindInventoryFault), with paths that share prefixes, repeat and hold any byte.
inline Inventory RandomInventory(std::mt19937_64& random, std::size_t num_entries) {
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  const auto word = [&] {
    static constexpr char kLetters[] = "abc.-\xff\n";
    std::string text = "x";
    for (std::uint64_t left = below(4); left > 0; --left) text += kLetters[below(7)];
    return text;
  };
  Inventory inventory;
  inventory.layer = RandomDigest(random);
  inventory.diff_id = RandomDigest(random);
  inventory.tar_size = static_cast<Bytes>(below(std::uint64_t{1} << (1 + below(62))));
  inventory.codec = static_cast<LayerCodec>(below(3));
  inventory.overhead_bytes = static_cast<Bytes>(below(5000));
  inventory.blob_size = inventory.overhead_bytes;
  if (inventory.overhead_bytes > 0 && below(2) == 0) {
    inventory.sampled = {
        .stored =
            1 + static_cast<Bytes>(below(static_cast<std::uint64_t>(inventory.overhead_bytes))),
        .gzip = 1 + static_cast<Bytes>(below(9000)),
        .zstd = 1 + static_cast<Bytes>(below(std::uint64_t{1} << 40))};
  }
  const std::vector<std::int64_t> times = {0, -1, INT64_MIN, INT64_MAX, 1'600'000'000};
  for (std::size_t i = 0; i < num_entries; ++i) {
    Entry entry;
    std::string path;
    for (std::uint64_t depth = below(5); depth > 0; --depth) {
      if (!path.empty()) path += '/';
      path += word();
    }
    entry.path = inventory.texts.Add(path);
    entry.position = static_cast<std::uint32_t>(i);
    entry.type = static_cast<EntryType>(below(kNumEntryTypes));
    entry.mode = static_cast<std::uint16_t>(random());
    entry.uid = static_cast<std::uint32_t>(below(2) == 0 ? 0 : random());
    entry.gid = static_cast<std::uint32_t>(below(2) == 0 ? 0 : random());
    entry.mtime = times[below(times.size())];
    entry.mtime_nsec = static_cast<std::uint32_t>(below(1'000'000'000));
    entry.blob_bytes = static_cast<Bytes>(below(std::uint64_t{1} << (1 + below(30))));
    inventory.blob_size += entry.blob_bytes;
    if (entry.type == EntryType::kRegular) {
      entry.size = static_cast<Bytes>(random() >> (1 + below(62)));
      entry.stored_size = below(3) == 0 ? static_cast<Bytes>(random() >> 1) : entry.size;
      entry.head = static_cast<ContentHead>(below(kNumContentHeads));
      entry.content = static_cast<std::uint32_t>(inventory.contents.size());
      // Some contents come again, and some are shared.
      if (entry.content > 0 && below(4) == 0)
        entry.content = static_cast<std::uint32_t>(below(entry.content));
      if (entry.content == inventory.contents.size())
        inventory.contents.push_back(RandomDigest(random));
    }
    if (entry.type == EntryType::kSymlink || entry.type == EntryType::kHardLink) {
      entry.link = inventory.texts.Add(word() + "/" + word());
    }
    if (entry.type == EntryType::kCharDevice) {
      entry.device_major = static_cast<std::uint32_t>(random());
      entry.device_minor = static_cast<std::uint32_t>(random());
    }
    if (below(5) == 0) {
      entry.xattrs = inventory.texts.Add(FormatXattrs(
          {{"user." + word(), std::string("\0\1", 2)}, {"security.capability", word()}}));
    }
    inventory.entries.push_back(entry);
  }
  SortEntries(inventory);
  for (Entry& entry : inventory.entries) {
    if (!MayBelongToPackage(entry.type) || below(3) == 0) continue;
    // To a new package, or to any of those before.
    const std::size_t count = inventory.packages.size();
    if (count == 0 || below(3) == 0) {
      inventory.packages.push_back(
          {.system = PackageSystem::kDpkg,
           .name = "p" + std::to_string(1'000'000 + count),
           .version = below(4) == 0 ? "" : "1." + std::to_string(below(100)) + "~x"});
      entry.package = static_cast<std::uint32_t>(count);
    } else {
      entry.package = static_cast<std::uint32_t>(below(count));
    }
  }
  for (std::size_t i = inventory.packages.size() / 2; i < inventory.packages.size(); ++i) {
    inventory.packages[i].system = PackageSystem::kWheel;
  }
  if (below(2) == 0) inventory.os_release = {.id = "debian", .version_id = "12", .codename = ""};
  for (std::uint64_t left = below(3); left > 0; --left) {
    inventory.warnings.push_back(
        {.kind = word(), .count = static_cast<std::int64_t>(below(9)), .first = word()});
  }
  std::ranges::sort(inventory.warnings, {}, &InventoryWarning::kind);
  inventory.extremes = {.entries = static_cast<std::int64_t>(num_entries + below(9)),
                        .path_depth = 4,
                        .path_bytes = static_cast<Bytes>(below(100)),
                        .header_bytes = static_cast<Bytes>(below(100)),
                        .text_bytes = static_cast<Bytes>(below(10'000)),
                        .unpacked_bytes = static_cast<Bytes>(below(std::uint64_t{1} << 62)),
                        .zstd_window = static_cast<Bytes>(below(std::uint64_t{1} << 31))};
  return inventory;
}

// As a package manager leaves them: directories of files with like owners and times, in the order
// of their paths, every file of its own content.
inline Inventory PackageInventory(std::mt19937_64& random, std::size_t num_entries) {
  Inventory inventory;
  inventory.layer = RandomDigest(random);
  inventory.diff_id = RandomDigest(random);
  inventory.codec = LayerCodec::kGzip;
  for (std::size_t i = 0; i < num_entries; ++i) {
    Entry entry;
    const std::string directory = "usr/share/package-" + std::to_string(i / 20 % 1000 + 1000) +
                                  "/" + "lib" + std::to_string(i / 20000);
    const bool is_directory = i % 20 == 0;
    const bool is_symlink = i % 20 == 1;
    std::string path = directory;
    if (!is_directory) path += "/file-" + std::to_string(random() % 100'000'000) + ".so";
    entry.path = inventory.texts.Add(path);
    entry.position = static_cast<std::uint32_t>(i);
    entry.mtime = 1'600'000'000 + static_cast<std::int64_t>(i / 500 * 86'400 + random() % 60);
    entry.mode = is_directory ? 0755 : 0644;
    entry.type = is_directory ? EntryType::kDirectory
                 : is_symlink ? EntryType::kSymlink
                              : EntryType::kRegular;
    entry.blob_bytes = is_directory ? 40 : static_cast<Bytes>(random() % 20'000);
    if (is_symlink)
      entry.link = inventory.texts.Add("../lib/lib" + std::to_string(random() % 100'000) + ".so.1");
    if (entry.type == EntryType::kRegular) {
      entry.size = entry.stored_size = entry.blob_bytes * 3 + static_cast<Bytes>(random() % 1000);
      entry.content = static_cast<std::uint32_t>(inventory.contents.size());
      inventory.contents.push_back(RandomDigest(random));
      inventory.tar_size += entry.size;
    }
    inventory.blob_size += entry.blob_bytes;
    inventory.entries.push_back(entry);
  }
  SortEntries(inventory);
  return inventory;
}

}  // namespace gneiss
