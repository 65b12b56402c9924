#include "planner/contents/new_layer.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "planner/contents/paths.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

// A name of the new layer before it is in its place.
struct NewName {
  std::string_view key;
  NewEntry entry;
  std::uint32_t file = kNone;  // a number that all names of one file have
};

std::string LayerName(const LayerContents& contents, LayerIndex layer) {
  return "layer " + FormatDigest(contents.inventories[layer]->layer);
}

void PushLayer(const LayerContents& contents, LayerIndex layer, bool is_over_others,
               Overlay& overlay, std::vector<Hiding>& hidden) {
  hidden.clear();
  overlay.Push({.layer = layer,
                .inventory = &*contents.inventories[layer],
                .paths = &contents.layer_paths[layer],
                .is_over_others = is_over_others},
               hidden);
}

NewName NameOfFile(const LayerContents& contents, PathIndex path, std::string_view key,
                   EntryRef holder, std::uint32_t file) {
  const Entry& entry = contents.EntryOf(holder);
  NewName name{.key = key, .entry = {.path = path, .type = entry.type, .source = holder}};
  if (entry.type == EntryType::kRegular && entry.size > 0) name.entry.contents = holder;
  name.file = file;
  return name;
}

// Puts names in their order, and makes one file of those that have a file in common.
NewLayer Arrange(std::vector<NewName> names) {
  std::ranges::sort(names, [](const NewName& a, const NewName& b) {
    const bool a_first = a.entry.target != kNone;
    const bool b_first = b.entry.target != kNone;
    if (a_first != b_first) return a_first;
    const auto order = ComparePaths(a.key, b.key);
    return order != 0 ? order < 0 : IsMarkerEntry(a.entry.type) < IsMarkerEntry(b.entry.type);
  });
  NewLayer layer;
  layer.entries.reserve(names.size());
  std::unordered_map<std::uint32_t, std::uint32_t> index_of_file;
  for (const NewName& name : names) {
    const auto index = static_cast<std::uint32_t>(layer.entries.size());
    layer.entries.push_back(name.entry);
    if (name.file == kNone) continue;
    const auto [first, is_new] = index_of_file.try_emplace(name.file, index);
    if (is_new) continue;
    NewEntry& link = layer.entries.back();
    link.type = EntryType::kHardLink;
    link.contents = {};
    link.link = first->second;
  }
  return layer;
}

// The run's layers alone make an overlay, above a made-up one that has a file wherever one of their
// hard links leads: links that end there lead below the run.
class LayerMerger {
 public:
  LayerMerger(const LayerContents& contents, std::span<const LayerIndex> segment, bool is_first,
              std::span<const std::vector<LayerIndex>> below)
      : contents_(contents),
        segment_(segment),
        is_first_(is_first),
        below_chains_(below),
        overlay_(contents.paths) {}

  NewLayer Run() {
    if (!is_first_) PushTargets();
    std::vector<Hiding> hidden;
    for (const LayerIndex l : segment_) {
      PushLayer(contents_, l, !is_first_, overlay_, hidden);
      if (!is_first_) NoteClearings(l);
    }
    overlay_.ForEachSeen([&](PathIndex path, EntryRef entry) { AddSeen(path, entry); });
    AddUnlisted();
    AddMarkers();
    CheckLinksBelow();
    return Arrange(std::move(names_));
  }

 private:
  static constexpr LayerIndex kBelow = kNone - 1;  // the made-up layer

  // What some layer of the run hides of all layers below, at a path and under it.
  struct Clearing {
    PathIndex path = kRootPath;
    bool with_top = false;  // not only what is under it
    std::string_view key;
    LayerIndex by = kNone;
  };
  struct Unlisted {
    PathIndex path = kRootPath;
    std::string_view key;
    EntryRef attributes;
    bool is_disputed = false;  // between the images
  };
  struct LinkBelow {
    EntryRef name;
    PathIndex path = kRootPath;
    PathIndex target = kRootPath;
  };

  void PushTargets() {
    std::vector<PathIndex> targets;
    for (const LayerIndex l : segment_) {
      for (const PathIndex target : contents_.layer_paths[l].link) {
        if (target != kNone) targets.push_back(target);
      }
    }
    if (targets.empty()) return;
    std::ranges::sort(targets);
    targets.erase(std::ranges::unique(targets).begin(), targets.end());
    for (std::uint32_t i = 0; i < targets.size(); ++i) {
      Entry entry;
      entry.type = EntryType::kFifo;
      entry.position = i;
      below_.entries.push_back(entry);
      below_paths_.in_tar.push_back(i);
    }
    below_paths_.link.assign(targets.size(), kNone);
    below_paths_.superseded_by.assign(targets.size(), kNone);
    below_paths_.owner = below_paths_.in_tar;
    below_paths_.path = std::move(targets);
    std::vector<Hiding> hidden;
    overlay_.Push({.layer = kBelow, .inventory = &below_, .paths = &below_paths_}, hidden);
  }

  void NoteClearings(LayerIndex layer) {
    const Inventory& inventory = *contents_.inventories[layer];
    for (std::uint32_t e = 0; e < inventory.entries.size(); ++e) {
      const Entry& entry = inventory.entries[e];
      const PathIndex path = contents_.layer_paths[layer].path[e];
      // The root can neither be replaced nor be opaque.
      if (entry.type == EntryType::kDirectory || path == kRootPath) continue;
      if (contents_.layer_paths[layer].superseded_by[e] != kNone) continue;
      clearings_.push_back({.path = path,
                            .with_top = entry.type != EntryType::kOpaque,
                            .key = inventory.path(entry),
                            .by = layer});
    }
  }

  void AddSeen(PathIndex path, EntryRef entry) {
    if (entry.layer == kNone || entry.layer == kBelow) return;
    const std::string_view key = contents_.InventoryOf(entry).path(contents_.EntryOf(entry));
    if (overlay_.IsDirectory(path)) {
      if (contents_.EntryOf(entry).implied) {
        unlisted_.push_back({.path = path, .key = key});
      } else {
        AddDirectory(path, key, entry);
      }
      return;
    }
    const std::uint32_t file = overlay_.ContentsAt(path);
    const EntryRef holder = overlay_.HolderOf(file);
    if (holder == EntryRef{}) {
      FailAt(entry,
             "expected a hard link to a file, found one that no layer below can give a file");
    }
    if (holder.layer != kBelow) {
      names_.push_back(NameOfFile(contents_, path, key, holder, file));
      return;
    }
    const PathIndex target = below_paths_.path[holder.entry];
    names_.push_back(
        {.key = key,
         .entry = {.path = path, .type = EntryType::kHardLink, .source = entry, .target = target}});
    links_below_.push_back({.name = entry, .path = path, .target = target});
  }

  void AddDirectory(PathIndex path, std::string_view key, EntryRef source) {
    names_.push_back(
        {.key = key, .entry = {.path = path, .type = EntryType::kDirectory, .source = source}});
  }

  // Directories that the run does not list have what lies below gives them.
  void AddUnlisted() {
    if (unlisted_.empty()) return;
    if (is_first_) TakeAttributes(overlay_);
    std::vector<Hiding> hidden;
    for (const std::vector<LayerIndex>& below : below_chains_) {
      Overlay whole(contents_.paths);
      for (const LayerIndex l : below) PushLayer(contents_, l, false, whole, hidden);
      for (const LayerIndex l : segment_) PushLayer(contents_, l, !is_first_, whole, hidden);
      TakeAttributes(whole);
    }
    for (const Unlisted& directory : unlisted_) {
      if (directory.attributes == EntryRef{} || directory.is_disputed) continue;
      AddDirectory(directory.path, directory.key, directory.attributes);
    }
  }

  void TakeAttributes(const Overlay& overlay) {
    for (Unlisted& directory : unlisted_) {
      const EntryRef found = overlay.AttributesAt(directory.path).entry;
      if (directory.attributes == EntryRef{}) {
        directory.attributes = found;
      } else if (!HaveSameAttributes(directory.attributes, found)) {
        directory.is_disputed = true;
      }
    }
  }

  bool HaveSameAttributes(EntryRef a_ref, EntryRef b_ref) const {
    const auto plain = [&](EntryRef ref) {
      const Entry& e = contents_.EntryOf(ref);
      return std::tuple(e.mode, e.uid, e.gid, e.mtime, e.mtime_nsec,
                        contents_.InventoryOf(ref).texts[e.xattrs]);
    };
    return a_ref == b_ref || plain(a_ref) == plain(b_ref);
  }

  // The topmost path of each tree that is hidden needs a marker, unless a file does the same.
  void AddMarkers() {
    // First those that hide more.
    std::ranges::stable_sort(clearings_, [](const Clearing& a, const Clearing& b) {
      return a.path != b.path ? a.path < b.path : a.with_top > b.with_top;
    });
    const auto repeated = std::ranges::unique(clearings_, {}, &Clearing::path);
    clearings_.erase(repeated.begin(), repeated.end());
    for (const Clearing& clearing : clearings_) {
      if (FindAbove(clearings_, clearing.path) != nullptr) continue;
      const EntryRef seen = overlay_.At(clearing.path);
      const bool has_entry = seen.layer != kNone && seen.layer != kBelow;
      const bool is_directory = overlay_.IsDirectory(clearing.path);
      if (has_entry && !is_directory) continue;
      // A whiteout beside the directory that comes instead is taken in different ways by runtimes.
      Clearing marker = clearing;
      marker.with_top = clearing.with_top && !(has_entry && is_directory);
      markers_.push_back(marker);
      names_.push_back(
          {.key = marker.key,
           .entry = {.path = marker.path,
                     .type = marker.with_top ? EntryType::kWhiteout : EntryType::kOpaque}});
    }
  }

  // `sorted` by path.
  static const Clearing* FindAt(const std::vector<Clearing>& sorted, PathIndex path) {
    const auto found = std::ranges::lower_bound(sorted, path, {}, &Clearing::path);
    return found != sorted.end() && found->path == path ? &*found : nullptr;
  }
  const Clearing* FindAbove(const std::vector<Clearing>& sorted, PathIndex path) const {
    while (path != kRootPath) {
      path = contents_.paths.parent(path);
      if (const Clearing* const found = FindAt(sorted, path)) return found;
    }
    return nullptr;
  }

  // Links to files below come before all that takes their targets' places, but not before markers,
  // nor before each other.
  void CheckLinksBelow() const {
    std::unordered_set<PathIndex> made;   // paths of links, and those above
    std::unordered_set<PathIndex> links;  // paths of links
    for (const LinkBelow& link : links_below_) {
      links.insert(link.path);
      for (PathIndex p = link.path; made.insert(p).second && p != kRootPath;) {
        p = contents_.paths.parent(p);
      }
    }
    for (const LinkBelow& link : links_below_) {
      bool is_replaced = made.contains(link.target);
      for (PathIndex p = link.target; p != kRootPath;) {
        p = contents_.paths.parent(p);
        is_replaced = is_replaced || (p != link.path && links.contains(p));
      }
      if (is_replaced) FailBelow(link, "another such link takes the place of");
      const Clearing* by = FindAt(markers_, link.target);
      if (by == nullptr || !by->with_top) by = FindAbove(markers_, link.target);
      if (by != nullptr) FailBelow(link, LayerName(contents_, by->by) + " deletes");
    }
  }

  [[noreturn]] void FailBelow(const LinkBelow& link, const std::string& why) const {
    FailAt(link.name,
           fmt::format("expected a hard link to a file that stays, found one to \"{}\" of a layer "
                       "below, which {}; plan again with --pin for the images that have both",
                       contents_.paths.key(link.target), why));
  }

  [[noreturn]] void FailAt(EntryRef ref, const std::string& problem) const {
    const Inventory& inventory = *contents_.inventories[ref.layer];
    throw InputError(LayerName(contents_, ref.layer),
                     fmt::format("\"{}\"", inventory.path(inventory.entries[ref.entry])), problem);
  }

  const LayerContents& contents_;
  std::span<const LayerIndex> segment_;
  bool is_first_;
  std::span<const std::vector<LayerIndex>> below_chains_;
  Inventory below_;
  LayerPaths below_paths_;
  Overlay overlay_;
  std::vector<Clearing> clearings_;
  std::vector<Clearing> markers_;  // by path
  std::vector<LinkBelow> links_below_;
  std::vector<Unlisted> unlisted_;
  std::vector<NewName> names_;
};

class EntryTaker {
 public:
  EntryTaker(const LayerContents& contents, std::span<const LayerIndex> chain)
      : contents_(contents), overlay_(contents.paths) {
    std::vector<Hiding> hidden;
    for (const LayerIndex l : chain) PushLayer(contents_, l, false, overlay_, hidden);
  }

  NewLayer Run(std::span<const EntryRef> entries) {
    std::unordered_set<PathIndex> listed;
    for (const EntryRef ref : entries) {
      if (!listed.insert(PathOf(ref)).second) Fail(ref, "expected a path once, found it again");
      Take(ref);
    }
    for (const auto& [file, count] : num_listed_) {
      if (count.second == overlay_.NumNames(file)) continue;
      Fail(count.first, fmt::format("expected all {} names of one file, found {}",
                                    overlay_.NumNames(file), count.second));
    }
    return Arrange(std::move(names_));
  }

 private:
  PathIndex PathOf(EntryRef ref) const { return contents_.layer_paths[ref.layer].path[ref.entry]; }

  void Take(EntryRef ref) {
    const Entry& entry = contents_.EntryOf(ref);
    const std::string_view key = contents_.inventories[ref.layer]->path(entry);
    const PathIndex path = PathOf(ref);
    if (IsMarkerEntry(entry.type)) {
      Fail(ref, fmt::format("expected a file or a directory, found a marker ({})",
                            EntryTypeName(entry.type)));
    }
    if (entry.type == EntryType::kDirectory) {
      names_.push_back({.key = key, .entry = {.path = path, .type = entry.type, .source = ref}});
      return;
    }
    const std::uint32_t file = overlay_.ContentsAt(path);
    if (file == kNone)
      Fail(ref, "expected a file that the images show, found one that they do not");
    const EntryRef holder = overlay_.HolderOf(file);
    if (holder == EntryRef{}) Fail(ref, "expected a hard link to a file, found one to nothing");
    names_.push_back(NameOfFile(contents_, path, key, holder, file));
    ++num_listed_.try_emplace(file, ref, 0U).first->second.second;
  }

  [[noreturn]] void Fail(EntryRef ref, const std::string& problem) const {
    const Inventory& inventory = *contents_.inventories[ref.layer];
    throw InputError(LayerName(contents_, ref.layer),
                     fmt::format("\"{}\"", inventory.path(inventory.entries[ref.entry])), problem);
  }

  const LayerContents& contents_;
  Overlay overlay_;
  std::vector<NewName> names_;
  std::map<std::uint32_t, std::pair<EntryRef, std::uint32_t>> num_listed_;  // by file
};

}  // namespace

NewLayer MergeLayers(const LayerContents& contents, std::span<const LayerIndex> segment,
                     bool is_first, std::span<const std::vector<LayerIndex>> below) {
  return LayerMerger(contents, segment, is_first, below).Run();
}

NewLayer TakeEntries(const LayerContents& contents, std::span<const LayerIndex> chain,
                     std::span<const EntryRef> entries) {
  return EntryTaker(contents, chain).Run(entries);
}

void AppendContents(const NewLayer& layer, std::vector<EntryRef>& wanted) {
  for (const NewEntry& entry : layer.entries) {
    if (entry.contents != EntryRef{}) wanted.push_back(entry.contents);
  }
}

}  // namespace gneiss
