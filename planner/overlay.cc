#include "planner/overlay.h"

#include <cassert>

namespace gneiss {

Overlay::Overlay(const PathTree& paths) : paths_(paths) {
  states_.resize(1);
  states_[kRootPath].kind = Kind::kImpliedDirectory;
}

void Overlay::Push(const OverlayLayer& layer, std::vector<Hiding>& hidden) {
  if (states_.size() < paths_.size()) states_.resize(paths_.size());
  marks_.push_back({changes_.size(), inode_changes_.size(), inodes_.size()});
  const auto position = static_cast<std::uint32_t>(layers_.size());
  layers_.push_back(layer);
  hidden_ = &hidden;
  const auto is_marker = [&](std::uint32_t e) {
    const EntryType type = layer.inventory->entries[e].type;
    return type == EntryType::kWhiteout || type == EntryType::kOpaque;
  };
  // Markers first: they must not see their own layer.
  for (const std::uint32_t e : layer.paths->in_tar) {
    if (is_marker(e)) Delete({position, e});
  }
  for (const std::uint32_t e : layer.paths->in_tar) {
    if (!is_marker(e)) Put({position, e});
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

bool Overlay::Exists(PathIndex path) const {
  return path < states_.size() && states_[path].kind != Kind::kAbsent;
}

bool Overlay::IsDirectory(PathIndex path) const {
  return Exists(path) && states_[path].kind != Kind::kOther;
}

EntryRef Overlay::Ref(Name name) const {
  if (name.position == kNone) return {};
  return {layers_[name.position].layer, name.entry};
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

// Makes every path above this one a directory.
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
  const bool is_directory = EntryOf(name).type == EntryType::kDirectory;
  if (path == kRootPath) {
    if (!is_directory) return;  // the root cannot be anything else; scanners refuse it
    Report(states_[path].name, name, HideCause::kDirectoryAgain);
    Change(path).name = name;
    states_[path].kind = Kind::kDirectory;
    return;
  }
  MakeParents(path, name);
  // Before this name goes: the old one may be the last name of the new one's contents.
  const std::uint32_t inode = is_directory ? kNone : InodeOf(name);
  if (!is_directory) AddNames(inode, 1);
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
  state.name = name;
  state.inode = inode;
  if (is_new) Link(path);
}

void Overlay::Delete(Name marker) {
  const PathIndex path = layers_[marker.position].paths->path[marker.entry];
  if (EntryOf(marker).type == EntryType::kOpaque || path == kRootPath) {
    HideTree(path, marker, HideCause::kDeleted, /*with_top=*/false);
  } else if (states_[path].kind == Kind::kAbsent) {
    ++warnings_.whiteouts_of_nothing;
    hidden_->push_back({Ref(marker), Ref(marker), HideCause::kNothingDeleted});
  } else {
    HideTree(path, marker, HideCause::kDeleted, /*with_top=*/true);
  }
}

// The contents that an entry of the top layer stands for; new ones unless it is a hard link.
std::uint32_t Overlay::InodeOf(Name name) {
  const PathIndex target = layers_[name.position].paths->link[name.entry];
  if (target != kNone) {
    const State& state = states_[target];
    if (state.kind == Kind::kOther) return state.inode;
    ++(state.kind == Kind::kAbsent ? warnings_.links_to_nothing : warnings_.links_to_directories);
    warnings_.bad_link = Ref(name);
    inodes_.push_back({});  // no entry holds what it names
  } else {
    inodes_.push_back({.owner = name});
  }
  return static_cast<std::uint32_t>(inodes_.size() - 1);
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
  if (hidden.position == kNone) return;  // a directory without entry
  const EntryRef entry = Ref(hidden);
  if (hidden.position == by.position) {
    cause = HideCause::kTwiceInLayer;
  } else if (entry.layer == layers_[by.position].layer) {
    return;  // the layer is in the chain twice: the same bytes are seen again
  }
  hidden_->push_back({entry, Ref(by), cause});
}

}  // namespace gneiss
