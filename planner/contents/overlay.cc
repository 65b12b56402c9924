#include "planner/contents/overlay.h"

#include <algorithm>
#include <cassert>
#include <tuple>

#include "planner/contents/paths.h"
#include "planner/contents/root_path.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

// Bits of Overlay::written_.
constexpr std::uint8_t kDirectoryWritten = 1;
constexpr std::uint8_t kSymlinkWritten = 2;
constexpr std::uint8_t kSetGroupIdWritten = 4;  // of a directory
constexpr std::uint8_t kXattrsWritten = 8;

constexpr std::uint16_t kSetGroupId = 02000;

// Those of `these`, and those of other names of `those`.
std::string JoinXattrs(std::string_view these, std::string_view those) {
  std::vector<Xattr> joined;
  for (const XattrView& xattr : ParseXattrs(these)) {
    joined.push_back({std::string(xattr.name), std::string(xattr.value)});
  }
  for (const XattrView& xattr : ParseXattrs(those)) {
    if (std::ranges::find(joined, xattr.name, &Xattr::name) != joined.end()) continue;
    joined.push_back({std::string(xattr.name), std::string(xattr.value)});
  }
  return FormatXattrs(std::move(joined));
}

bool IsPlain(const Entry& directory) {
  return directory.mode == 0755 && directory.uid == 0 && directory.gid == 0 &&
         directory.xattrs == 0;
}

}  // namespace

Overlay::Overlay(const PathTree& paths) : paths_(paths), states_(1), written_(1) {
  states_[kRootPath].kind = Kind::kImpliedDirectory;
}

void Overlay::Push(const OverlayLayer& layer, std::vector<Hiding>& hidden) {
  if (states_.size() < paths_.size()) {
    states_.resize(paths_.size());
    written_.resize(paths_.size());
  }
  marks_.push_back({changes_.size(), inode_changes_.size(), inodes_.size()});
  const auto position = static_cast<std::uint32_t>(layers_.size());
  layers_.push_back(layer);
  hidden_ = &hidden;
  if (states_[kRootPath].name.position != kNone) Change(kRootPath).is_implied = true;
  const std::vector<Entry>& entries = layer.inventory->entries;
  const LayerPaths& paths = *layer.paths;
  const std::vector<std::uint32_t>& superseded_by = SupersededOf(position);
  // Markers first: they must not see their own layer.
  for (const std::uint32_t e : paths.in_tar) {
    if (IsMarkerEntry(entries[e].type) && superseded_by[e] == kNone) Delete({position, e});
  }
  // Contents get their names before any of these takes the place of another.
  const auto lasts = [&](std::uint32_t e) {
    return superseded_by[e] == kNone && !IsMarkerEntry(entries[e].type);
  };
  inode_of_.assign(entries.size(), kNone);
  for (std::uint32_t e = 0; e < entries.size(); ++e) {
    if (!lasts(e) || entries[e].type == EntryType::kDirectory) continue;
    inode_of_[e] = InodeOf({position, e});
    AddNames(inode_of_[e], 1);
  }
  // By path, so parents come before children.
  for (std::uint32_t e = 0; e < entries.size(); ++e) {
    if (lasts(e)) Put({position, e});
  }
  for (std::uint32_t e = 0; e < entries.size(); ++e) {
    if (superseded_by[e] != kNone) ReportSuperseded({position, e});
  }
  hidden_ = nullptr;
}

void Overlay::Pop() {
  assert(!marks_.empty());
  const Mark mark = marks_.back();
  marks_.pop_back();
  layers_.pop_back();
  while (changes_.size() > mark.num_changes) {
    states_[changes_.back().first] = changes_.back().second;
    changes_.pop_back();
  }
  while (inode_changes_.size() > mark.num_inode_changes) {
    inodes_[inode_changes_.back().first].num_names = inode_changes_.back().second;
    inode_changes_.pop_back();
  }
  inodes_.resize(mark.num_inodes);
}

EntryRef Overlay::At(PathIndex path) const {
  return path < states_.size() ? Ref(states_[path].name) : EntryRef{};
}

SeenAttributes Overlay::AttributesAt(PathIndex path) const {
  if (!Exists(path)) return {};
  const State& state = states_[path];
  Name holder = state.name;
  if (state.kind == Kind::kOther && inodes_[state.inode].owner.position != kNone) {
    holder = inodes_[state.inode].owner;
  }
  if (holder.position == kNone) return {};
  return state.kind == Kind::kDirectory ? AttributesOf(path, holder) : Own(holder);
}

EntryRef Overlay::ListedBefore(PathIndex path) const {
  const State& state = states_[path];
  if (state.kind != Kind::kDirectory || state.name.position == kNone) return {};
  if (!EntryOf(state.name).implied || (written_[path] & kDirectoryWritten) == 0) return {};
  const std::string key = paths_.key(path);
  // Its entry follows all others of its layer at the path.
  const OverlayLayer& own = layers_[state.name.position];
  for (std::uint32_t e = state.name.entry; e-- > 0 && own.paths->path[e] == path;) {
    const bool is_whiteout = IsWhiteout(own.inventory->entries[e].type);
    if (is_whiteout && SupersededOf(state.name.position)[e] == kNone) return {};
  }
  for (std::uint32_t position = state.name.position; position-- > 0;) {
    const Name found = LastOf(position, key);
    if (found.position == kNone || EntryOf(found).implied) continue;
    return EntryOf(found).type == EntryType::kDirectory ? Ref(found) : EntryRef{};
  }
  return {};
}

bool Overlay::Exists(PathIndex path) const {
  return path < states_.size() && states_[path].kind != Kind::kAbsent;
}

bool Overlay::IsDirectory(PathIndex path) const {
  return Exists(path) && states_[path].kind != Kind::kOther;
}

bool Overlay::IsImplied(PathIndex path) const {
  if (!IsDirectory(path)) return false;
  return states_[path].is_implied || states_[path].kind == Kind::kImpliedDirectory;
}

EntryRef Overlay::Ref(Name name) const {
  if (name.position == kNone) return {};
  return {layers_[name.position].layer, name.entry};
}

const std::vector<std::uint32_t>& Overlay::SupersededOf(std::uint32_t position) const {
  return layers_[position].paths->superseded(position == 0 && !layers_[position].is_over_others);
}

SeenAttributes Overlay::Own(Name name) const {
  const Entry& entry = EntryOf(name);
  return {.entry = Ref(name),
          .mode = entry.mode,
          .uid = entry.uid,
          .gid = entry.gid,
          .xattrs = std::string(layers_[name.position].inventory->texts[entry.xattrs])};
}

const Entry& Overlay::EntryOf(Name name) const {
  return layers_[name.position].inventory->entries[name.entry];
}

// The state of a path, which is about to change. Valid until the next call.
Overlay::State& Overlay::Change(PathIndex path) {
  changes_.emplace_back(path, states_[path]);
  return states_[path];
}

void Overlay::AddNames(std::uint32_t inode, std::int32_t count) {
  inode_changes_.emplace_back(inode, inodes_[inode].num_names);
  inodes_[inode].num_names += static_cast<std::uint32_t>(count);
}

void Overlay::Link(PathIndex path) {
  const PathIndex parent = paths_.parent(path);
  const PathIndex first = states_[parent].first_child;
  if (first != kNone) Change(first).previous = path;
  State& state = Change(path);
  state.next = first;
  state.previous = kNone;
  Change(parent).first_child = path;
}

void Overlay::Unlink(PathIndex path) {
  const PathIndex next = states_[path].next;
  const PathIndex previous = states_[path].previous;
  if (next != kNone) Change(next).previous = previous;
  if (previous != kNone) {
    Change(previous).next = next;
  } else {
    Change(paths_.parent(path)).first_child = next;
  }
}

// Makes every path above this one a directory, without an entry: inventories that were made
// complete list them before.
void Overlay::MakeParents(PathIndex path, Name by) {
  open_.clear();
  while (path != kRootPath) {
    path = paths_.parent(path);
    const Kind kind = states_[path].kind;
    if (kind == Kind::kDirectory || kind == Kind::kImpliedDirectory) break;
    open_.push_back(path);
  }
  while (!open_.empty()) {
    const PathIndex above = open_.back();
    open_.pop_back();
    const bool was_absent = states_[above].kind == Kind::kAbsent;
    if (!was_absent) HideFile(above, by, HideCause::kReplaced);
    State& state = Change(above);
    state.kind = Kind::kImpliedDirectory;
    state.name = {};
    state.inode = kNone;
    if (was_absent) Link(above);
  }
}

void Overlay::Put(Name name) {
  const OverlayLayer& layer = layers_[name.position];
  const PathIndex path = layer.paths->path[name.entry];
  const Entry& entry = EntryOf(name);
  const bool is_directory = entry.type == EntryType::kDirectory;
  if (path == kRootPath) {
    if (!is_directory) return;  // the root cannot be anything else; scanners refuse it
    Report(states_[path].name, name, HideCause::kDirectoryAgain);
    State& root = Change(path);
    root.name = name;
    root.kind = Kind::kDirectory;
    root.is_implied = false;
    return;
  }
  MakeParents(path, name);
  if (entry.implied) {
    PutImplied(path, name);
    return;
  }
  NoteWritten(path, entry);
  const Kind before = states_[path].kind;
  if (before == Kind::kOther) {
    HideFile(path, name, CauseAt(path, name));
  } else if (before != Kind::kAbsent && is_directory) {
    Report(states_[path].name, name, HideCause::kDirectoryAgain);
  } else if (before != Kind::kAbsent) {
    HideTree(path, name, HideCause::kReplaced, /*with_top=*/true);
  }
  const bool is_new = states_[path].kind == Kind::kAbsent;
  State& state = Change(path);
  state.kind = is_directory ? Kind::kDirectory : Kind::kOther;
  state.is_implied = false;
  state.name = name;
  state.inode = is_directory ? kNone : inode_of_[name.entry];
  if (is_new) Link(path);
}

// A directory that the top layer has without listing it.
void Overlay::PutImplied(PathIndex path, Name name) {
  if (states_[path].kind == Kind::kDirectory) {
    if (!IsPlain(EntryOf(states_[path].name))) {
      ++warnings_.unlisted_parents;
      warnings_.unlisted_parent = Ref(states_[path].name);
    }
    Change(path).is_implied = true;
    return;
  }
  const bool is_new = states_[path].kind == Kind::kAbsent;
  if (states_[path].kind == Kind::kOther) {
    const Name replaced = states_[path].name;
    if (EntryOf(replaced).type == EntryType::kSymlink) {
      ++warnings_.replaced_symlinks;
      warnings_.replaced_symlink = Ref(replaced);
    }
    HideFile(path, name, HideCause::kReplaced);
  }
  State& state = Change(path);
  state.kind = Kind::kDirectory;
  state.is_implied = true;
  state.name = name;
  state.inode = kNone;
  if (is_new) Link(path);
}

void Overlay::Delete(Name marker) {
  const PathIndex path = layers_[marker.position].paths->path[marker.entry];
  const bool is_opaque = EntryOf(marker).type == EntryType::kOpaque;
  if (path == kRootPath) {
    ++warnings_.opaque_roots;
    hidden_->push_back({Ref(marker), Ref(marker), HideCause::kNothingDeleted});
  } else if (is_opaque) {
    HideTree(path, marker, HideCause::kDeleted, /*with_top=*/false);
  } else if (states_[path].kind == Kind::kAbsent) {
    ++warnings_.whiteouts_of_nothing;
    hidden_->push_back({Ref(marker), Ref(marker), HideCause::kNothingDeleted});
  } else {
    HideTree(path, marker, HideCause::kDeleted, /*with_top=*/true);
  }
}

// An entry that another of its layer takes the place of is hidden, but for contents that a hard
// link of the layer still names.
void Overlay::ReportSuperseded(Name name) {
  const EntryType type = EntryOf(name).type;
  if (IsMarkerEntry(type)) return;
  const bool may_have_names = type != EntryType::kDirectory && type != EntryType::kHardLink;
  if (may_have_names && inode_of_[name.entry] != kNone) return;
  const std::uint32_t by = SupersededOf(name.position)[name.entry];
  Report(name, {name.position, by}, HideCause::kTwiceInLayer);
}

// The contents that an entry of the top layer names; REQUIRES: no entry of the layer is put yet.
std::uint32_t Overlay::InodeOf(Name name) {
  const LayerPaths& paths = *layers_[name.position].paths;
  const std::uint32_t owner = paths.owner[name.entry];
  // Names of nothing have nothing in common.
  if (owner != kNone && inode_of_[owner] != kNone &&
      inodes_[inode_of_[owner]].owner.position != kNone) {
    return inode_of_[owner];
  }
  Inode inode;
  if (owner == kNone || EntryOf({name.position, owner}).type == EntryType::kHardLink) {
    const State* const below = owner == kNone ? nullptr : &states_[paths.link[owner]];
    if (below != nullptr && below->kind == Kind::kOther) return below->inode;
    const bool is_absent = below == nullptr || below->kind == Kind::kAbsent;
    ++(is_absent ? warnings_.links_to_nothing : warnings_.links_to_directories);
    warnings_.bad_link = Ref(name);
  } else {
    inode.owner = {name.position, owner};
  }
  inodes_.push_back(inode);
  const auto made = static_cast<std::uint32_t>(inodes_.size() - 1);
  if (inode.owner.position != kNone) inode_of_[owner] = made;
  return made;
}

void Overlay::NoteWritten(PathIndex path, const Entry& entry) {
  const bool may_be_symlink =
      entry.type == EntryType::kSymlink || entry.type == EntryType::kHardLink;
  if (may_be_symlink) written_[path] |= kSymlinkWritten;
  if (entry.type != EntryType::kDirectory) return;
  written_[path] |= kDirectoryWritten;
  if ((entry.mode & kSetGroupId) != 0) written_[path] |= kSetGroupIdWritten;
  if (entry.xattrs != 0) written_[path] |= kXattrsWritten;
}

// What a layer gives a directory that it has. REQUIRES: the name is of a directory at the path.
SeenAttributes Overlay::AttributesOf(PathIndex path, Name directory) const {
  if (EntryOf(directory).implied) return AttributesOfImplied(path, directory);
  SeenAttributes own = Own(directory);
  if (!MayCopy(path, kXattrsWritten)) return own;
  // What it has copied before its own entry came stays.
  std::uint32_t since = 0;
  const std::uint32_t listed_from = ListedFrom(directory, since);
  if (FirstBelow(directory.position, paths_.key(path), since) >= listed_from) return own;
  const std::optional<SeenAttributes> copied = CopiedTo(path, directory.position);
  if (!copied) return own;
  std::string both = JoinXattrs(own.xattrs, copied->xattrs);
  own.is_listed = both == own.xattrs;
  own.xattrs = std::move(both);
  return own;
}

SeenAttributes Overlay::AttributesOfImplied(PathIndex path, Name directory) const {
  SeenAttributes own = Own(directory);
  if (std::optional<SeenAttributes> copied = CopiedTo(path, directory.position)) {
    if (copied->entry != EntryRef{}) {
      const auto plain = [](const SeenAttributes& a) {
        return std::tie(a.mode, a.uid, a.gid, a.xattrs);
      };
      copied->is_listed = copied->is_listed || plain(*copied) == plain(own);
      return *std::move(copied);
    }
    own.is_listed = own.gid == 0;
    own.gid = 0;
    return own;
  }
  const PathIndex parent = paths_.parent(path);
  if (parent == kRootPath || !MayCopy(parent, kSetGroupIdWritten)) return own;
  const Name above = LastOf(directory.position, paths_.key(parent));
  if (above.position == kNone) return own;
  std::uint32_t since = 0;
  const bool is_made_later =
      !EntryOf(above).implied &&
      ListedFrom(above, since) < FirstBelow(directory.position, paths_.key(path), 0);
  if (is_made_later) return own;  // AddImpliedDirectories has looked at that
  const std::optional<SeenAttributes> copied = CopiedTo(parent, directory.position);
  if (!copied || (copied->mode & kSetGroupId) == 0) return own;
  own.is_listed = own.gid == copied->gid;
  own.gid = copied->gid;
  return own;
}

// Whether some layer has put a directory of the kind at the path, or a link on the way there.
bool Overlay::MayCopy(PathIndex path, std::uint8_t written) const {
  if ((written_[path] & written) != 0) return true;
  for (; path != kRootPath; path = paths_.parent(path)) {
    if ((written_[path] & kSymlinkWritten) != 0) return true;
  }
  return false;
}

// What containerd gives a directory that a layer has without listing it so far: the attributes of
// the first directory that it finds at the path in one of the layers below, from the top, each by
// itself, so even where an opaque directory hides it; it follows the links of that layer. Nothing
// when something else comes first, and when nothing comes. Without an entry: those of a root.
std::optional<SeenAttributes> Overlay::CopiedTo(PathIndex path, std::uint32_t position) const {
  if (!MayCopy(path, kDirectoryWritten)) return std::nullopt;
  while (position-- > 0) {
    std::string key = paths_.key(path);
    const Name found = FollowWithin(position, key);
    if (key.empty()) return SeenAttributes();
    if (found.position == kNone) continue;
    if (EntryOf(found).type != EntryType::kDirectory) return std::nullopt;
    const PathIndex there = layers_[position].paths->path[found.entry];
    SeenAttributes copied = AttributesOf(there, found);
    copied.is_listed = copied.is_listed && there == path;
    return copied;
  }
  return std::nullopt;
}

// Where the layer's entries begin at a path and below it.
std::uint32_t Overlay::BeginOf(std::uint32_t position, std::string_view key) const {
  const Inventory& inventory = *layers_[position].inventory;
  const auto begin = std::ranges::partition_point(inventory.entries, [&](const Entry& entry) {
    return ComparePaths(inventory.path(entry), key) < 0;
  });
  return static_cast<std::uint32_t>(begin - inventory.entries.begin());
}

// The first moment, after another, at which the layer has something below a path; kNone when it has
// nothing. Moments are positions and one.
std::uint32_t Overlay::FirstBelow(std::uint32_t position, std::string_view key,
                                  std::uint32_t since) const {
  const Inventory& inventory = *layers_[position].inventory;
  std::uint32_t first = kNone;
  for (std::uint32_t e = BeginOf(position, key); e < inventory.entries.size(); ++e) {
    const Entry& entry = inventory.entries[e];
    const bool is_here = inventory.path(entry) == key;
    if (!is_here && !IsBelow(inventory.path(entry), key)) break;
    if (entry.implied || (is_here && entry.type != EntryType::kOpaque)) continue;
    if (entry.position + 1 > since) first = std::min(first, entry.position + 1);
  }
  return first;
}

// The moment from which on the layer lists a directory that lasts of it, and in `since` that of
// what stood there before.
std::uint32_t Overlay::ListedFrom(Name directory, std::uint32_t& since) const {
  const OverlayLayer& layer = layers_[directory.position];
  const std::vector<Entry>& entries = layer.inventory->entries;
  std::uint32_t from = entries[directory.entry].position + 1;
  for (std::uint32_t e = directory.entry; e-- > 0;) {
    if (layer.paths->path[e] != layer.paths->path[directory.entry]) break;
    if (IsMarkerName(entries[e].type)) continue;
    since = entries[e].position + 1;
    if (entries[e].type != EntryType::kDirectory) return from;
    from = since;
  }
  since = 0;
  return from;
}

// What lasts of a layer at a path; none where that is nothing.
Overlay::Name Overlay::LastOf(std::uint32_t position, std::string_view key) const {
  const OverlayLayer& layer = layers_[position];
  const std::vector<Entry>& entries = layer.inventory->entries;
  const std::vector<std::uint32_t>& superseded_by = SupersededOf(position);
  const auto end = std::ranges::partition_point(entries, [&](const Entry& entry) {
    return ComparePaths(layer.inventory->path(entry), key) <= 0;
  });
  Name last;
  for (auto e = static_cast<std::uint32_t>(end - entries.begin()); e-- > 0;) {
    if (layer.inventory->path(entries[e]) != key) break;
    if (superseded_by[e] != kNone || entries[e].type == EntryType::kOpaque) continue;
    last = {position, e};
    if (!IsWhiteout(entries[e].type)) break;
  }
  return last;
}

// The same where the key leads, which it then is, when the links of that layer are followed.
Overlay::Name Overlay::FollowWithin(std::uint32_t position, std::string& key) const {
  // So that no walk costs more than this, whatever its links are.
  constexpr std::size_t kMostBytes = std::size_t{1} << 20;
  class Links final : public SymlinkTree {
   public:
    Links(const Overlay& overlay, std::uint32_t position)
        : overlay_(overlay), position_(position) {}

    std::optional<std::string_view> TargetAt(std::string_view at) override {
      Name found = overlay_.LastOf(position_, at);
      if (found.position == kNone) return std::nullopt;
      const OverlayLayer& layer = overlay_.layers_[position_];
      if (overlay_.EntryOf(found).type == EntryType::kHardLink) {
        const std::uint32_t owner = layer.paths->owner[found.entry];
        if (owner != kNone) found.entry = owner;
      }
      const Entry& entry = overlay_.EntryOf(found);
      if (entry.type != EntryType::kSymlink) return std::nullopt;
      return layer.inventory->link(entry);
    }
    bool MayBeOnWay(std::string_view) override { return true; }
    void Count(std::size_t bytes) override {
      bytes_ += bytes;
      if (bytes_ > kMostBytes) throw InputError("expected a shorter way through symlinks");
    }

   private:
    const Overlay& overlay_;
    std::uint32_t position_;
    std::size_t bytes_ = 0;
  };
  try {
    Links links(*this, position);
    key = FindRootPath('/' + key, links);
  } catch (const InputError&) {
    return {};  // runtimes do not unpack it
  }
  return LastOf(position, key);
}

// Hides all below `top`, and `top` itself if asked. Children first; no recursion, as paths may be
// deep.
void Overlay::HideTree(PathIndex top, Name by, HideCause cause, bool with_top) {
  for (PathIndex path = top;;) {
    while (states_[path].first_child != kNone) path = states_[path].first_child;
    if (path == top && !with_top) return;
    if (states_[path].kind == Kind::kOther) {
      HideFile(path, by, cause);
    } else {
      Report(states_[path].name, by, cause);
    }
    Unlink(path);
    Change(path) = State{};
    if (path == top) return;
    path = paths_.parent(path);
  }
}

// One name less for the contents at `path`, which is no directory.
void Overlay::HideFile(PathIndex path, Name by, HideCause cause) {
  const Name name = states_[path].name;
  const std::uint32_t inode = states_[path].inode;
  AddNames(inode, -1);
  const Name owner = inodes_[inode].owner;
  if (name != owner) Report(name, by, cause);
  if (inodes_[inode].num_names == 0) Report(owner, by, cause);
}

// Why a file of the top layer hides the file at its path.
HideCause Overlay::CauseAt(PathIndex path, Name above_name) const {
  const Name below_name = states_[path].name;
  const Entry& below = EntryOf(below_name);
  const Entry& above = EntryOf(above_name);
  const Inventory& lower = *layers_[below_name.position].inventory;
  const Inventory& upper = *layers_[above_name.position].inventory;
  if (below.type != above.type) return HideCause::kReplaced;
  const bool same_contents = above.type == EntryType::kRegular
                                 ? lower.contents[below.content] == upper.contents[above.content]
                                 : lower.link(below) == upper.link(above) &&
                                       below.device_major == above.device_major &&
                                       below.device_minor == above.device_minor;
  if (!same_contents) return HideCause::kReplaced;
  const bool same_attributes = below.mode == above.mode && below.uid == above.uid &&
                               below.gid == above.gid &&
                               lower.texts[below.xattrs] == upper.texts[above.xattrs];
  return same_attributes ? HideCause::kWrittenAgain : HideCause::kMetadataChange;
}

void Overlay::Report(Name hidden, Name by, HideCause cause) {
  // Nobody pays for a directory that is not listed.
  if (hidden.position == kNone || EntryOf(hidden).implied) return;
  const EntryRef entry = Ref(hidden);
  if (hidden.position == by.position) {
    cause = IsMarkerEntry(EntryOf(by).type) ? HideCause::kDeleted : HideCause::kTwiceInLayer;
  } else if (entry.layer == layers_[by.position].layer) {
    return;  // the layer is in the chain twice: the same bytes are seen again
  }
  hidden_->push_back({entry, Ref(by), cause});
}

}  // namespace gneiss
