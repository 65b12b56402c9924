#include "io/scan/unpacked_attributes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "planner/contents/paths.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

void UnlistedDirectories::List(std::string_view key) {
  listed_.emplace(key);
  if (const auto found = unlisted_.find(key); found != unlisted_.end()) unlisted_.erase(found);
}

void UnlistedDirectories::AddLink(std::string_view key) {
  for (key = ParentPath(key); !key.empty(); key = ParentPath(key)) {
    if (!listed_.contains(key)) unlisted_.emplace(key);
  }
}

std::vector<std::string> UnlistedDirectories::TakeBelow(std::string_view directory) {
  std::vector<std::string> taken;
  auto at = directory.empty() ? unlisted_.begin() : unlisted_.upper_bound(directory);
  while (at != unlisted_.end() && (directory.empty() || IsBelow(*at, directory))) {
    taken.push_back(std::move(unlisted_.extract(at++).value()));
  }
  return taken;
}

namespace {

constexpr std::string_view kCapability = "security.capability";

// Whether headers of a layer can change attributes of others at all; of most layers none do.
bool MayDiffer(const Inventory& inventory) {
  std::string_view path;     // of the last entry that is no marker
  std::string_view symlink;  // the last path that is one at some time
  for (std::size_t i = 0; i < inventory.entries.size(); ++i) {
    const Entry& entry = inventory.entries[i];
    if (entry.type == EntryType::kHardLink) return true;
    if (IsMarkerEntry(entry.type)) continue;
    const std::string_view at = inventory.path(entry);
    if (i > 0 && at == path) return true;
    path = at;
    if (!symlink.empty() && IsBelow(at, symlink)) return true;
    if (entry.type == EntryType::kSymlink) symlink = at;
  }
  return false;
}

class AttributeSetter {
 public:
  AttributeSetter(const std::vector<std::uint32_t>& latest,
                  const std::vector<FollowedDirectory>& followed, const std::vector<Bytes>& begins,
                  Inventory& inventory, LayerSymlinks& symlinks, ScanWarnings& warnings)
      : latest_(latest),
        followed_(followed),
        begins_(begins),
        inventory_(inventory),
        entries_(inventory.entries),
        symlinks_(symlinks),
        warnings_(warnings),
        holder_(entries_.size(), kNone) {}

  void Run() {
    std::vector<std::uint32_t> in_tar(entries_.size());
    for (std::uint32_t e = 0; e < entries_.size(); ++e) in_tar[entries_[e].position] = e;
    for (const std::uint32_t e : in_tar) {
      const EntryType type = entries_[e].type;
      if (IsMarkerEntry(type)) continue;
      holder_[e] = e;
      if (type == EntryType::kHardLink) AddName(e);
      if (type == EntryType::kDirectory) AddDirectory(e);
    }
    FindTimes(in_tar);
    for (const Time& time : times_) SetTime(time);
    Finish();
  }

 private:
  // What a directory's header says.
  struct Time {
    std::uint32_t from = 0;
    std::string path;  // where it is given
    std::int64_t mtime = 0;
    std::uint32_t mtime_nsec = 0;
  };
  // By name; views into texts, to which nothing is added yet.
  using Xattrs = std::map<std::string_view, std::string_view>;

  // The last entry of a path before a position that is no marker; kNone: there is none.
  std::uint32_t FindLast(std::string_view path, std::uint32_t position) const {
    const auto after = std::ranges::partition_point(entries_, [&](const Entry& entry) {
      const auto order = ComparePaths(inventory_.path(entry), path);
      return order < 0 || (order == 0 && entry.position < position);
    });
    if (after == entries_.begin() || inventory_.path(*(after - 1)) != path) return kNone;
    return latest_[static_cast<std::size_t>(after - entries_.begin()) - 1];
  }

  Xattrs& XattrsOf(std::uint32_t e) {
    const auto [found, is_new] = xattrs_.try_emplace(e);
    if (is_new) {
      for (const XattrView& xattr : ParseXattrs(inventory_.texts[entries_[e].xattrs])) {
        found->second.emplace(xattr.name, xattr.value);
      }
    }
    return found->second;
  }

  void AddDirectory(std::uint32_t e) {
    if (e == 0 || inventory_.path(entries_[e - 1]) != inventory_.path(entries_[e])) return;
    const std::uint32_t before = latest_[e - 1];
    if (before == kNone || entries_[before].type != EntryType::kDirectory) return;
    // It alone needs them from here on.
    Xattrs all = std::move(XattrsOf(before));
    xattrs_.erase(before);
    for (const auto& [name, value] : XattrsOf(e)) all[name] = value;
    XattrsOf(e) = std::move(all);
  }

  void AddName(std::uint32_t e) {
    Entry& link = entries_[e];
    const std::uint32_t target = FindLast(inventory_.link(link), link.position);
    if (target == kNone || holder_[target] == kNone ||
        entries_[target].type == EntryType::kDirectory) {
      link.xattrs = 0;
      return;
    }
    holder_[e] = holder_[target];
    Entry& file = entries_[holder_[e]];
    if (file.type == EntryType::kSymlink) link.mode = file.mode;
    const auto plain = [](const Entry& entry) {
      return std::tie(entry.mode, entry.uid, entry.gid, entry.mtime, entry.mtime_nsec);
    };
    if (plain(link) == plain(file) && link.xattrs == file.xattrs && !xattrs_.contains(holder_[e])) {
      return;
    }
    Xattrs& all = XattrsOf(holder_[e]);
    bool differs = plain(link) != plain(file);
    const std::vector<XattrView> own = ParseXattrs(inventory_.texts[link.xattrs]);
    const bool keeps = std::ranges::find(own, kCapability, &XattrView::name) != own.end();
    if (!keeps && all.erase(kCapability) > 0) differs = true;
    for (const XattrView& xattr : own) {
      const auto [found, is_new] = all.try_emplace(xattr.name, xattr.value);
      if (is_new || std::exchange(found->second, xattr.value) != xattr.value) differs = true;
    }
    if (!differs) return;
    warnings_.Add("hard link with other attributes than its file", inventory_.path(link),
                  begins_[link.position]);
    CopyPlain(link, file);
  }

  static void CopyPlain(const Entry& from, Entry& to) {
    to.mode = from.mode;
    to.uid = from.uid;
    to.gid = from.gid;
    to.mtime = from.mtime;
    to.mtime_nsec = from.mtime_nsec;
  }

  // Directories whose times do not just stay with their entries. By their names they are given last
  // of all, wherever those lead by then.
  void FindTimes(std::span<const std::uint32_t> in_tar) {
    std::vector<std::uint32_t> moved;
    auto followed = followed_.begin();
    for (const std::uint32_t e : in_tar) {
      const Entry& directory = entries_[e];
      if (directory.type != EntryType::kDirectory) continue;
      std::uint32_t name = directory.path;
      bool is_rooted = false;
      if (followed != followed_.end() && followed->path == name) {
        name = followed->name;
        is_rooted = followed->is_rooted;
        ++followed;
      }
      std::string_view path;
      try {
        path = symlinks_.FindDirectory(inventory_.texts[name], is_rooted);
      } catch (const InputError&) {
        continue;  // a loop that came later; runtimes do not unpack such a layer
      }
      const bool is_here = path == inventory_.path(directory);
      const bool is_last = e + 1 == entries_.size() ||
                           inventory_.path(entries_[e + 1]) != inventory_.path(directory);
      if (is_last && is_here) continue;
      times_.push_back({.from = e,
                        .path = std::string(path),
                        .mtime = directory.mtime,
                        .mtime_nsec = directory.mtime_nsec});
      if (!is_here) moved.push_back(e);
    }
    if (moved.empty()) return;
    const std::vector<std::uint32_t> superseded_by = FindSuperseded(inventory_);
    for (const std::uint32_t e : moved) {
      if (superseded_by[e] != kNone || !IsChangedLater(e)) continue;
      entries_[e].mtime = kNoTime;
      entries_[e].mtime_nsec = 0;
    }
  }

  // Whether something is made or replaced in a directory after its entry, which gives it a time
  // that no header has.
  bool IsChangedLater(std::uint32_t directory) const {
    const std::string_view path = inventory_.path(entries_[directory]);
    for (std::size_t begin = directory + 1; begin < entries_.size();) {
      const std::string_view first = inventory_.path(entries_[begin]);
      if (!IsBelow(first, path)) break;
      const std::string_view child = first.substr(0, first.find('/', path.size() + 1));
      std::size_t below = begin;
      while (below < entries_.size() && inventory_.path(entries_[below]) == child) ++below;
      std::size_t end = below;
      while (end < entries_.size() && IsBelow(inventory_.path(entries_[end]), child)) ++end;
      const std::span<const Entry> all(entries_);
      if (IsMadeLater(all.subspan(begin, below - begin), all.subspan(below, end - below),
                      entries_[directory].position)) {
        return true;
      }
      begin = end;
    }
    return false;
  }

  // The same of one path, which those below it need as a directory.
  static bool IsMadeLater(std::span<const Entry> here, std::span<const Entry> below,
                          std::uint32_t since) {
    std::uint32_t listed = kNone;
    std::uint32_t needed = kNone;
    for (const Entry& entry : here) {
      std::uint32_t& first = entry.type == EntryType::kOpaque ? needed : listed;
      first = std::min(first, entry.position);
    }
    for (const Entry& entry : below) needed = std::min(needed, entry.position);
    bool is_directory = needed < listed;
    if (is_directory && needed > since) return true;
    for (const Entry& entry : here) {
      if (entry.type == EntryType::kOpaque) continue;
      const bool was_directory = is_directory;
      is_directory = entry.type == EntryType::kDirectory;
      if (entry.position > since && !(was_directory && is_directory)) return true;
    }
    return false;
  }

  void SetTime(const Time& time) {
    const Entry& directory = entries_[time.from];
    const std::uint32_t last = FindLast(time.path, kNone);
    if (last == kNone) {
      warnings_.Add(kUnlistedTimeWarning, inventory_.path(directory), begins_[directory.position]);
      return;
    }
    if (holder_[last] == kNone) return;
    if (entries_[last].type == EntryType::kDirectory &&
        entries_[last].position >= directory.position) {
      return;
    }
    Entry& other = entries_[holder_[last]];
    if (std::tie(other.mtime, other.mtime_nsec) == std::tie(time.mtime, time.mtime_nsec)) return;
    warnings_.Add("time of a directory that its layer replaces", inventory_.path(directory),
                  begins_[directory.position]);
    other.mtime = time.mtime;
    other.mtime_nsec = time.mtime_nsec;
  }

  void Finish() {
    std::vector<std::pair<std::uint32_t, std::string>> texts;
    for (const auto& [e, xattrs] : xattrs_) {
      std::vector<Xattr> list;
      for (const auto& [name, value] : xattrs) {
        list.push_back({.name = std::string(name), .value = std::string(value)});
      }
      std::string text = FormatXattrs(std::move(list));
      if (text != inventory_.texts[entries_[e].xattrs]) texts.emplace_back(e, std::move(text));
    }
    for (const auto& [e, text] : texts) entries_[e].xattrs = inventory_.texts.Add(text);
    for (std::uint32_t e = 0; e < entries_.size(); ++e) {
      if (holder_[e] == e || holder_[e] == kNone) continue;
      CopyPlain(entries_[holder_[e]], entries_[e]);
      entries_[e].xattrs = entries_[holder_[e]].xattrs;
    }
  }

  const std::vector<std::uint32_t>& latest_;
  const std::vector<FollowedDirectory>& followed_;
  const std::vector<Bytes>& begins_;
  Inventory& inventory_;
  std::vector<Entry>& entries_;
  LayerSymlinks& symlinks_;
  ScanWarnings& warnings_;
  std::vector<std::uint32_t> holder_;       // of each entry that is no marker: of what it names
  std::vector<Time> times_;                 // in the tar's order
  std::map<std::uint32_t, Xattrs> xattrs_;  // of entries where others had a say
};

}  // namespace

void SetUnpackedAttributes(const std::vector<std::uint32_t>& latest,
                           const std::vector<FollowedDirectory>& followed,
                           const std::vector<Bytes>& begins, Inventory& inventory,
                           LayerSymlinks& symlinks, ScanWarnings& warnings) {
  if (followed.empty() && !MayDiffer(inventory)) return;
  AttributeSetter(latest, followed, begins, inventory, symlinks, warnings).Run();
}

}  // namespace gneiss
