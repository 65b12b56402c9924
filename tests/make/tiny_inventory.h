// Inventories written down in tests: entries in the tar's order, a byte of blob for each.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "planner/contents/inventory.h"

namespace gneiss {

struct TinyEntry {
  EntryType type = EntryType::kRegular;
  std::string path;
  std::string content = "";  // of a regular file: its bytes; of a link: where it points
  std::uint16_t mode = 0644;
  Bytes blob_bytes = 1;
  std::int64_t mtime = 0;
  ContentHead head = ContentHead::kOther;
  std::string package = "";  // of dpkg; of two entries the same or in the order of their names
};

// Short names; tests of real tars have others of the same name.
namespace tiny {

inline TinyEntry File(std::string path, std::string content = "", std::uint16_t mode = 0644) {
  return {EntryType::kRegular, std::move(path), std::move(content), mode};
}
inline TinyEntry Directory(std::string path) {
  return {EntryType::kDirectory, std::move(path), "", 0755};
}
inline TinyEntry Symlink(std::string path, std::string target) {
  return {EntryType::kSymlink, std::move(path), std::move(target), 0777};
}
inline TinyEntry HardLink(std::string path, std::string target) {
  return {EntryType::kHardLink, std::move(path), std::move(target)};
}
inline TinyEntry Whiteout(std::string path) { return {EntryType::kWhiteout, std::move(path)}; }
inline TinyEntry Opaque(std::string path) { return {EntryType::kOpaque, std::move(path)}; }

}  // namespace tiny

inline Inventory MakeTinyInventory(const std::vector<TinyEntry>& entries,
                                   const std::string& name = "layer") {
  Inventory inventory;
  inventory.layer = Sha256(name);
  inventory.diff_id = Sha256("diff " + name);
  for (const TinyEntry& tiny : entries) {
    Entry entry;
    entry.type = tiny.type;
    entry.path = inventory.texts.Add(tiny.path);
    entry.mode = tiny.mode;
    entry.mtime = tiny.mtime;
    entry.head = tiny.head;
    entry.blob_bytes = tiny.blob_bytes;
    entry.position = static_cast<std::uint32_t>(inventory.entries.size());
    if (tiny.type == EntryType::kRegular) {
      entry.content = static_cast<std::uint32_t>(inventory.contents.size());
      entry.size = entry.stored_size = static_cast<Bytes>(tiny.content.size());
      inventory.contents.push_back(Sha256(tiny.content));
    } else {
      entry.link = inventory.texts.Add(tiny.content);
    }
    if (!tiny.package.empty()) {
      if (inventory.packages.empty() || inventory.packages.back().name != tiny.package) {
        inventory.packages.push_back({.name = tiny.package});
      }
      entry.package = static_cast<std::uint32_t>(inventory.packages.size()) - 1;
    }
    inventory.blob_size += entry.blob_bytes;
    inventory.entries.push_back(entry);
  }
  inventory.tar_size = 512 * (static_cast<Bytes>(entries.size()) + 2);
  SortEntries(inventory);
  return inventory;
}

}  // namespace gneiss
