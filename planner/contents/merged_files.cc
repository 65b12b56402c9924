#include "planner/contents/merged_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "planner/contents/paths.h"

namespace gneiss {

PathSelection::PathSelection(const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    patterns_.push_back({.given = pattern, .key = MakePathKey(pattern).key});
  }
}

bool PathSelection::Selects(const std::string& key) {
  bool selects = patterns_.empty();
  // All of them, so that each is known to match something.
  for (Pattern& pattern : patterns_) {
    if (pattern.key.empty() || key == pattern.key || IsBelow(key, pattern.key) ||
        fnmatch(pattern.key.c_str(), key.c_str(), 0) == 0) {
      pattern.has_matched = true;
      selects = true;
    }
  }
  return selects;
}

std::string_view PathSelection::unmatched() const {
  const auto found = std::ranges::find(patterns_, false, &Pattern::has_matched);
  return found == patterns_.end() ? std::string_view() : std::string_view(found->given);
}

namespace {

constexpr std::uint16_t kSymlinkMode = 0777;

// Whether two directories have the same attributes.
bool AreAlike(const LayerContents& contents, const MergedFile& a, const MergedFile& b) {
  if ((a.position == kNone) != (b.position == kNone)) return false;
  const Entry left = AttributesOf(contents, a);
  const Entry right = AttributesOf(contents, b);
  return left.mode == right.mode && left.uid == right.uid && left.gid == right.gid &&
         left.mtime == right.mtime && left.mtime_nsec == right.mtime_nsec && a.xattrs == b.xattrs;
}

bool IsSame(const LayerContents& contents, const MergedFile& before, const MergedFile& after) {
  if (before.is_directory != after.is_directory) return false;
  if (before.is_directory) return AreAlike(contents, before, after);
  return before.entry == after.entry && before.position == after.position;
}

}  // namespace

Entry AttributesOf(const LayerContents& contents, const MergedFile& file) {
  Entry entry = contents.EntryOf(file.entry);
  if (entry.type == EntryType::kHardLink) {
    entry.type = EntryType::kRegular;
    entry.size = entry.stored_size = 0;
  } else if (entry.type == EntryType::kSymlink) {
    entry.mode = kSymlinkMode;
  }
  entry.gid = file.gid;
  return entry;
}

std::string TimeText(const Entry& entry) {
  if (!HasTime(entry)) return "none";
  return fmt::format("{}.{:09}", entry.mtime, entry.mtime_nsec);
}

FileMerger::FileMerger(const LayerContents& contents)
    : contents_(contents), overlay_(contents.paths) {}

std::vector<MergedFile> FileMerger::Merge(std::span<const LayerIndex> chain) {
  Push(chain);
  std::vector<MergedFile> files;
  std::unordered_map<std::uint32_t, std::uint32_t> numbers;  // of contents, as they come
  overlay_.ForEachSeen([&](PathIndex path, EntryRef seen) {
    MergedFile file;
    file.is_directory = overlay_.IsDirectory(path);
    if (!file.is_directory) {
      const std::uint32_t contents = overlay_.ContentsAt(path);
      const EntryRef holder = overlay_.HolderOf(contents);
      if (holder != EntryRef{}) seen = holder;
      const auto next = static_cast<std::uint32_t>(numbers.size());
      file.file = numbers.emplace(contents, next).first->second;
      file.num_names = overlay_.NumNames(contents);
    }
    if (seen == EntryRef{}) return;  // a root, or a directory deep down, that no layer lists
    file.path = contents_.paths.key(path);
    file.position = seen.layer;
    file.entry = {chain_[seen.layer], seen.entry};
    file.is_implied = overlay_.IsImplied(path);
    SeenAttributes attributes = overlay_.AttributesAt(path);
    if (file.is_directory && contents_.EntryOf(file.entry).implied) {
      file.position = kNone;
      file.entry = {chain_[attributes.entry.layer], attributes.entry.entry};
    }
    file.gid = attributes.gid;
    file.xattrs = std::move(attributes.xattrs);
    files.push_back(std::move(file));
  });
  std::ranges::sort(files, [](const MergedFile& a, const MergedFile& b) {
    return ComparePaths(a.path, b.path) < 0;
  });
  return files;
}

std::vector<HiddenFile> FileMerger::FindHidden() const {
  std::vector<HiddenFile> files;
  for (const std::vector<Hiding>& by_layer : hidden_) {
    for (const Hiding& hiding : by_layer) {
      if (hiding.cause == HideCause::kNothingDeleted ||
          hiding.cause == HideCause::kDirectoryAgain) {
        continue;
      }
      const std::uint32_t position = hiding.hidden.layer;
      const std::uint32_t by_position = hiding.by.layer;
      // A layer that the chain has twice shows there again what it hides.
      if (position != by_position && chain_[position] == chain_[by_position]) continue;
      files.push_back({.hidden = {chain_[position], hiding.hidden.entry},
                       .position = position,
                       .by = {chain_[by_position], hiding.by.entry},
                       .by_position = by_position,
                       .cause = hiding.cause});
    }
  }
  const auto path_of = [&](const HiddenFile& file) {
    return contents_.InventoryOf(file.hidden).path(contents_.EntryOf(file.hidden));
  };
  std::ranges::sort(files, [&](const HiddenFile& a, const HiddenFile& b) {
    const std::strong_ordering order = ComparePaths(path_of(a), path_of(b));
    if (order != 0) return order < 0;
    return std::tuple(a.position, a.hidden.entry, a.by_position, a.by.entry) <
           std::tuple(b.position, b.hidden.entry, b.by_position, b.by.entry);
  });
  return files;
}

void FileMerger::Push(std::span<const LayerIndex> chain) {
  const auto common =
      static_cast<std::size_t>(std::ranges::mismatch(chain_, chain).in1 - chain_.begin());
  for (; chain_.size() > common; chain_.pop_back()) {
    overlay_.Pop();
    hidden_.pop_back();
  }
  for (const LayerIndex layer : chain.subspan(common)) {
    const auto position = static_cast<LayerIndex>(chain_.size());
    chain_.push_back(layer);
    hidden_.emplace_back();
    overlay_.Push({.layer = position,
                   .inventory = &*contents_.inventories[layer],
                   .paths = &contents_.layer_paths[layer]},
                  hidden_.back());
  }
}

std::vector<LayerChange> FindLayerChanges(const LayerContents& contents,
                                          const std::vector<MergedFile>& before,
                                          const std::vector<MergedFile>& after) {
  std::vector<LayerChange> changes;
  auto old = before.begin();
  for (const MergedFile& file : after) {
    for (; old != before.end() && ComparePaths(old->path, file.path) < 0; ++old) {
      changes.push_back({FileChange::kRemoved, *old});
    }
    if (old == before.end() || old->path != file.path) {
      changes.push_back({FileChange::kAdded, file});
    } else if (!IsSame(contents, *old++, file)) {
      changes.push_back({FileChange::kChanged, file});
    }
  }
  for (; old != before.end(); ++old) changes.push_back({FileChange::kRemoved, *old});
  return changes;
}

}  // namespace gneiss
