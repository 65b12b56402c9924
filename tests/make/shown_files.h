// What a chain of layers shows, path by path, as texts that can be compared.
#pragma once

#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "planner/contents/layer_contents.h"
#include "planner/contents/overlay.h"

namespace gneiss {

struct ShownFiles {
  // Of each path but a root that is not listed: all attributes, contents, and the first of the
  // names that are one file with it.
  std::map<std::string, std::string> files;
  bool has_broken_links = false;  // hard links to nothing
};

inline std::string DescribeShown(const Inventory& inventory, const Entry& e) {
  return fmt::format("{} {:o} {}:{} {}.{} {} {} {} {} {},{}", EntryTypeName(e.type), e.mode, e.uid,
                     e.gid, e.mtime, e.mtime_nsec, e.size,
                     e.content == kNone ? "" : FormatDigest(inventory.contents[e.content]),
                     std::string(e.type == EntryType::kSymlink ? inventory.link(e) : ""),
                     std::string(inventory.texts[e.xattrs]), e.device_major, e.device_minor);
}

// `copies`: directories that no layer lists have what containerd copies from other paths, too.
inline ShownFiles ShowFiles(const LayerContents& contents, std::span<const LayerIndex> chain,
                            bool copies = true) {
  Overlay overlay(contents.paths);
  std::vector<Hiding> hidden;
  for (const LayerIndex l : chain) {
    overlay.Push(
        {.layer = l, .inventory = &*contents.inventories[l], .paths = &contents.layer_paths[l]},
        hidden);
  }
  ShownFiles shown;
  std::map<std::string, EntryRef> holders;
  std::map<std::string, std::uint32_t> file_of;
  std::unordered_map<std::uint32_t, std::string> first_name;
  overlay.ForEachSeen([&](PathIndex path, EntryRef entry) {
    const std::string key = contents.paths.key(path);
    if (overlay.IsDirectory(path)) {
      if (entry == EntryRef{}) return;
      const EntryRef before = overlay.ListedBefore(path);
      holders[key] = copies                  ? overlay.AttributesAt(path).entry
                     : before.layer != kNone ? before
                                             : entry;
      return;
    }
    const std::uint32_t file = overlay.ContentsAt(path);
    const EntryRef holder = overlay.HolderOf(file);
    if (holder == EntryRef{}) shown.has_broken_links = true;
    holders[key] = holder == EntryRef{} ? entry : holder;
    file_of[key] = file;
    const auto [first, is_new] = first_name.try_emplace(file, key);
    if (!is_new && key < first->second) first->second = key;
  });
  for (const auto& [key, ref] : holders) {
    const Inventory& inventory = *contents.inventories[ref.layer];
    std::string text = DescribeShown(inventory, inventory.entries[ref.entry]);
    const auto file = file_of.find(key);
    if (file != file_of.end()) text += " as " + first_name.at(file->second);
    shown.files[key] = text;
  }
  return shown;
}

// The paths that differ, with both texts; empty when all is the same.
inline std::string FindDifferences(const ShownFiles& expected, const ShownFiles& found) {
  std::string text;
  const auto list = [&](const ShownFiles& a, const ShownFiles& b, const char* side) {
    for (const auto& [path, shown] : a.files) {
      const auto other = b.files.find(path);
      if (other != b.files.end() && other->second == shown) continue;
      text += fmt::format("{} {}: {}\n", side, path, shown);
    }
  };
  list(expected, found, "expected");
  list(found, expected, "found");
  return text;
}

}  // namespace gneiss
