#include "planner/contents/file_system_diff.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "planner/contents/merged_files.h"
#include "planner/contents/paths.h"

namespace gneiss {
namespace {

constexpr std::size_t kMaxXattrBytes = 40;  // of a value that is told in full

// An entry with the inventory that its texts are in; both null where there is none. The group and
// the extended attributes may be others.
struct SeenEntry {
  const Entry* entry = nullptr;
  const Inventory* inventory = nullptr;
  std::uint32_t gid = 0;
  std::string xattrs;

  explicit operator bool() const { return entry != nullptr; }
};

// What one chain shows.
class SeenFiles {
 public:
  SeenFiles(const PathTree& paths, std::span<const OverlayLayer> chain) : overlay_(paths) {
    std::vector<Hiding> hidden;
    for (const OverlayLayer& layer : chain) {
      overlay_.Push(layer, hidden);
      hidden.clear();
      inventories_.emplace(layer.layer, layer.inventory);
    }
  }

  const Overlay& overlay() const { return overlay_; }

  SeenEntry Find(EntryRef ref) const {
    if (ref.layer == kNone) return {};
    const Inventory* const inventory = inventories_.at(ref.layer);
    return {&inventory->entries[ref.entry], inventory, 0, ""};
  }
  // The entry with the attributes that a path has: of a hard link that of the file it names. A hard
  // link to nothing is itself. REQUIRES: the path is seen.
  SeenEntry Holder(PathIndex path) const {
    SeenAttributes attributes = overlay_.AttributesAt(path);
    SeenEntry holder = Find(attributes.entry);
    if (!holder) return {&unlisted_root_, &no_texts_, 0, ""};
    holder.gid = attributes.gid;
    holder.xattrs = std::move(attributes.xattrs);
    return holder;
  }
  // Whether it is a directory whose time is made up when it is unpacked.
  bool IsUnlisted(PathIndex path) const {
    if (!overlay_.IsDirectory(path)) return false;
    const SeenEntry listed = Find(overlay_.At(path));
    return !listed || listed.entry->implied;
  }
  bool HasOtherNames(PathIndex path) const {
    const std::uint32_t contents = overlay_.ContentsAt(path);
    return contents != kNone && overlay_.NumNames(contents) > 1;
  }

 private:
  Overlay overlay_;
  std::unordered_map<LayerIndex, const Inventory*> inventories_;
  Inventory no_texts_;
  Entry unlisted_root_ = {.mode = 0755, .type = EntryType::kDirectory, .implied = true};
};

std::string_view TypeName(const SeenEntry& seen) {
  if (seen.entry->type == EntryType::kHardLink) return "hard link to nothing";
  return EntryTypeName(seen.entry->type);
}

std::string OwnerText(const SeenEntry& seen) {
  return fmt::format("{}:{}", seen.entry->uid, seen.gid);
}
std::string ModeText(const Entry& entry) { return fmt::format("{:04o}", entry.mode); }

std::string XattrText(const XattrView& xattr) {
  std::string text = fmt::format("{}=0x", xattr.name);
  for (const char c : xattr.value.substr(0, kMaxXattrBytes)) {
    text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  if (xattr.value.size() > kMaxXattrBytes) {
    text +=
        fmt::format("... ({} bytes, {})", xattr.value.size(), FormatDigest(Sha256(xattr.value)));
  }
  return text;
}

// Those of `these` that are not in `those`.
std::string OtherXattrs(const std::vector<XattrView>& these, const std::vector<XattrView>& those) {
  std::string text;
  for (const XattrView& xattr : these) {
    if (std::ranges::find(those, xattr) != those.end()) continue;
    if (!text.empty()) text += ", ";
    text += XattrText(xattr);
  }
  return text.empty() ? "none" : text;
}

class FileSystemComparison {
 public:
  FileSystemComparison(const PathTree& paths, std::span<const OverlayLayer> left,
                       std::span<const OverlayLayer> right, const FileSystemDiffOptions& options)
      : paths_(paths), left_(paths, left), right_(paths, right), options_(options) {}

  FileSystemDiff Run() {
    left_.overlay().ForEachSeen([&](PathIndex path, EntryRef) {
      ++result_.num_paths;
      CountBytes(path);
      if (right_.overlay().Exists(path)) {
        ComparePath(path);
      } else {
        found_.push_back({path, FileAspect::kPath});
      }
    });
    right_.overlay().ForEachSeen([&](PathIndex path, EntryRef) {
      if (left_.overlay().Exists(path)) return;
      ++result_.num_paths;
      found_.push_back({path, FileAspect::kPath});
    });
    CompareHardLinks();
    Tell();
    return std::move(result_);
  }

 private:
  struct Found {
    PathIndex path;
    FileAspect aspect;
  };

  void CountBytes(PathIndex path) {
    const std::uint32_t contents = left_.overlay().ContentsAt(path);
    if (contents == kNone) return;
    if (left_.HasOtherNames(path) && !counted_.emplace(contents, path).second) return;
    result_.file_bytes = CheckedAdd(result_.file_bytes, left_.Holder(path).entry->size);
  }

  void ComparePath(PathIndex path) {
    const SeenEntry left = left_.Holder(path);
    const SeenEntry right = right_.Holder(path);
    if (left.entry->type != right.entry->type) {
      found_.push_back({path, FileAspect::kType});
      return;
    }
    if (left_.HasOtherNames(path) || right_.HasOtherNames(path)) linked_.push_back(path);
    CompareEntries(path, left, right);
  }

  void CompareEntries(PathIndex path, const SeenEntry& left, const SeenEntry& right) {
    for (std::uint8_t a = 0; a < kNumFileAspects; ++a) {
      const auto aspect = static_cast<FileAspect>(a);
      const bool is_made_up =
          aspect == FileAspect::kTime && (left_.IsUnlisted(path) || right_.IsUnlisted(path));
      if (!is_made_up && Differs(aspect, left, right)) found_.push_back({path, aspect});
    }
  }

  // Of two entries that are seen as one type; links differ in what is a group's affair later.
  bool Differs(FileAspect aspect, const SeenEntry& left, const SeenEntry& right) const {
    const Entry& a = *left.entry;
    const Entry& b = *right.entry;
    switch (aspect) {
      case FileAspect::kSize:
        return a.size != b.size;
      case FileAspect::kContent:
        return a.type == EntryType::kRegular &&
               left.inventory->contents[a.content] != right.inventory->contents[b.content];
      case FileAspect::kTarget:
        return left.inventory->link(a) != right.inventory->link(b);
      case FileAspect::kDevice:
        return std::tie(a.device_major, a.device_minor) != std::tie(b.device_major, b.device_minor);
      case FileAspect::kMode:
        return a.type != EntryType::kSymlink && b.type != EntryType::kSymlink && a.mode != b.mode;
      case FileAspect::kOwner:
        return std::tie(a.uid, left.gid) != std::tie(b.uid, right.gid);
      case FileAspect::kTime:
        return !options_.ignore_mtime &&
               std::tie(a.mtime, a.mtime_nsec) != std::tie(b.mtime, b.mtime_nsec);
      case FileAspect::kXattrs:
        return left.xattrs != right.xattrs;
      case FileAspect::kPath:
      case FileAspect::kType:
      case FileAspect::kHardLinks:
        break;
    }
    return false;
  }

  // Two partitions of names are one when every name has the same first name in both.
  void CompareHardLinks() {
    for (const PathIndex path : linked_) {
      AddName(left_, path, left_first_);
      AddName(right_, path, right_first_);
    }
    for (const PathIndex path : linked_) {
      if (FirstName(left_, path, left_first_) != FirstName(right_, path, right_first_)) {
        found_.push_back({path, FileAspect::kHardLinks});
      }
    }
  }

  // First names of hard-linked files, of those that both sides show.
  using FirstNames = std::unordered_map<std::uint32_t, std::string>;

  void AddName(const SeenFiles& side, PathIndex path, FirstNames& first) const {
    if (!side.HasOtherNames(path)) return;
    std::string key = paths_.key(path);
    std::string& name = first[side.overlay().ContentsAt(path)];
    if (name.empty() || ComparePaths(key, name) < 0) name = std::move(key);
  }
  std::string FirstName(const SeenFiles& side, PathIndex path, const FirstNames& first) const {
    const auto found = first.find(side.overlay().ContentsAt(path));
    return side.HasOtherNames(path) && found != first.end() ? found->second : paths_.key(path);
  }

  void Tell() {
    result_.num_differences = std::ssize(found_);
    std::vector<std::pair<std::string, Found>> sorted;
    sorted.reserve(found_.size());
    for (const Found& found : found_) sorted.emplace_back(paths_.key(found.path), found);
    const std::size_t kept =
        options_.max_kept == 0 ? sorted.size() : std::min(options_.max_kept, sorted.size());
    std::ranges::partial_sort(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(kept),
                              [](const auto& a, const auto& b) {
                                const auto order = ComparePaths(a.first, b.first);
                                return order != 0 ? order < 0 : a.second.aspect < b.second.aspect;
                              });
    sorted.resize(kept);
    for (auto& [key, found] : sorted) {
      std::string left = Describe(left_, found, left_first_, right_);
      std::string right = Describe(right_, found, right_first_, left_);
      result_.differences.push_back(
          {std::move(key), found.aspect, std::move(left), std::move(right)});
    }
  }

  std::string Describe(const SeenFiles& side, const Found& found, const FirstNames& first,
                       const SeenFiles& other) const {
    const PathIndex path = found.path;
    if (!side.overlay().Exists(path)) return "nothing";
    const SeenEntry seen = side.Holder(path);
    switch (found.aspect) {
      case FileAspect::kPath:
      case FileAspect::kType:
        return std::string(TypeName(seen));
      case FileAspect::kSize:
        return fmt::format("{}", seen.entry->size);
      case FileAspect::kContent:
        return FormatDigest(seen.inventory->contents[seen.entry->content]);
      case FileAspect::kTarget:
        return std::string(seen.inventory->link(*seen.entry));
      case FileAspect::kDevice:
        return fmt::format("{}:{}", seen.entry->device_major, seen.entry->device_minor);
      case FileAspect::kMode:
        return ModeText(*seen.entry);
      case FileAspect::kOwner:
        return OwnerText(seen);
      case FileAspect::kTime:
        return TimeText(*seen.entry);
      case FileAspect::kXattrs: {
        const SeenEntry opposite = other.Holder(path);
        return OtherXattrs(ParseXattrs(seen.xattrs), ParseXattrs(opposite.xattrs));
      }
      case FileAspect::kHardLinks: {
        const std::string name = FirstName(side, path, first);
        if (name != paths_.key(path)) return "the same file as " + name;
        return side.HasOtherNames(path) ? "the first name of a file" : "a file of its own";
      }
    }
    return "";
  }

  const PathTree& paths_;
  SeenFiles left_;
  SeenFiles right_;
  const FileSystemDiffOptions& options_;
  FileSystemDiff result_;
  std::vector<Found> found_;
  std::vector<PathIndex> linked_;  // paths of both sides with other names on one
  FirstNames left_first_;
  FirstNames right_first_;
  std::unordered_map<std::uint32_t, PathIndex> counted_;  // contents with several names
};

}  // namespace

std::string_view FileAspectName(FileAspect aspect) {
  constexpr std::array<std::string_view, kNumFileAspects> kNames = {
      "path", "type",  "size",  "content", "link target", "device",
      "mode", "owner", "mtime", "xattrs",  "hard links"};
  return kNames[static_cast<std::size_t>(aspect)];
}

FileSystemDiff CompareFileSystems(const PathTree& paths, std::span<const OverlayLayer> left,
                                  std::span<const OverlayLayer> right,
                                  const FileSystemDiffOptions& options) {
  return FileSystemComparison(paths, left, right, options).Run();
}

}  // namespace gneiss
