// The file system that a chain of layers makes, and what each layer hides of those below it
// (OCI image spec, layer.md; the verdicts of hostile inputs are tested one by one).
//
// Layers are pushed and popped like a stack, so that one walk over the layer trie serves all
// images. Nothing is rebuilt for a whiteout: a layer costs O(its entries + the entries that it
// hides), and a pop what its push cost.
//
// The rules are those of containerd on overlayfs: a layer is unpacked into a directory of its own,
// as if nothing lay below, and the kernel puts these over one another.
//
//   - Within a layer the last entry of a path wins, and what is no directory takes the place of all
//     that the layer has put below its path before (FindSuperseded). Only what lasts meets layers
//     below.
//   - Whiteouts and opaque directories hit lower layers only, wherever they stand in the tar. At
//   the
//     root an opaque marker does nothing: the kernel always shows the roots of all layers. In the
//     lowest layer they hit what it has written itself (FindSupersededIfLowest).
//   - A directory over a directory replaces its attributes and keeps its children, unless its own
//     layer does not list it (Entry::implied): then those below stay.
//   - Scans follow the symlinks of a layer itself; those of lower layers nobody follows: a path
//   below
//     one, or below a file, replaces that by a directory. containerd gives such a directory what it
//     finds below at that path when it follows the links there, see AttributesAt.
//   - The contents of a file are hidden when the last of its hard links is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "planner/contents/inventory.h"
#include "planner/contents/paths.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

enum class HideCause : std::uint8_t {
  kDeleted,         // by a whiteout or an opaque directory
  kReplaced,        // other contents or another type at the same path, or above it
  kMetadataChange,  // the same contents with another mode, owner or attributes
  kWrittenAgain,    // the same in everything but the time
  kDirectoryAgain,  // a directory over a directory
  kTwiceInLayer,    // one path twice in one tar
  kNothingDeleted,  // the entry is a whiteout of what is not there: hides nothing, but costs bytes
};
inline constexpr std::size_t kNumHideCauses = 7;

// From here on, `hidden` is not to be seen any more: its bytes are paid for nothing.
struct Hiding {
  EntryRef hidden;
  EntryRef by;
  HideCause cause = HideCause::kDeleted;
};

// Odd things that only the merged file system shows.
struct OverlayWarnings {
  std::int64_t links_to_nothing = 0;      // hard links; names of an empty file without entry
  std::int64_t links_to_directories = 0;  // no runtime makes them; as above
  std::int64_t whiteouts_of_nothing = 0;  // they hide nothing, but cost bytes
  std::int64_t opaque_roots = 0;          // markers at the root, which some runtimes obey
  std::int64_t replaced_symlinks = 0;     // by a directory that stands above an entry
  std::int64_t unlisted_parents = 0;      // directories with attributes that not all runtimes keep
  EntryRef bad_link;                      // the last of the first two kinds; kNone: there is none
  EntryRef replaced_symlink;              // the last symlink
  EntryRef unlisted_parent;               // the last directory, as the layer below has it

  friend bool operator==(const OverlayWarnings&, const OverlayWarnings&) = default;
};

// A layer as Overlay needs it. Keeps nothing alive.
struct OverlayLayer {
  LayerIndex layer = kNone;
  const Inventory* inventory = nullptr;
  const LayerPaths* paths = nullptr;
  // Of one that is pushed first: others lie below it, which the overlay does not have.
  bool is_over_others = false;
};

// Mode, owner and extended attributes of a path.
struct SeenAttributes {
  // That has them, maybe at another path, and the time. EntryRef{}: none has, as of a root that no
  // layer lists.
  EntryRef entry;
  std::uint16_t mode = 0755;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string xattrs;  // FormatXattrs
  // Whether an entry at the path has all of them, be it an implied one. Else a runtime makes them
  // up of several.
  bool is_listed = true;
};

class Overlay {
 public:
  // Keeps a view of the tree, which may grow between calls but not lose paths.
  explicit Overlay(const PathTree& paths);

  // Puts a layer on top and appends what that hides to `hidden`, in no particular order. A layer
  // that is in the chain already hides nothing of itself (what a layer between the two deleted is
  // still reported). REQUIRES: its inventory and paths stay until it is popped.
  void Push(const OverlayLayer& layer, std::vector<Hiding>& hidden);
  // Takes the top layer off. REQUIRES: not empty.
  void Pop();

  std::size_t num_layers() const { return marks_.size(); }
  const OverlayWarnings& warnings() const { return warnings_; }  // since construction

  // The entry seen at a path, of a directory the last that lists it or else the first that implies
  // it; EntryRef{} when there is nothing, and for a root that no layer lists.
  EntryRef At(PathIndex path) const;
  // The attributes that a path has: those of At(), but of contents with several names their
  // holder's, and of a directory that no layer lists what containerd copies, which may stand at
  // another path. What is made in a directory with the set-group-ID bit has its group, and a
  // directory that its layer lists after what is in it keeps the extended attributes that it had
  // copied by then. Time O(1), but for such directories.
  SeenAttributes AttributesAt(PathIndex path) const;
  // Of a directory that no layer lists since something hid it: the last entry that listed it
  // before; EntryRef{} otherwise. What AttributesAt says, but for links.
  EntryRef ListedBefore(PathIndex path) const;
  // Whether the top one of the layers that have the directory does not list it. Runtimes then give
  // it the time of unpacking, and some others attributes than At().
  bool IsImplied(PathIndex path) const;
  bool Exists(PathIndex path) const;
  bool IsDirectory(PathIndex path) const;

  // The contents seen at a path, by a number that all names of one file have in common and that
  // holds until the next push or pop; kNone for a directory and for nothing.
  std::uint32_t ContentsAt(PathIndex path) const {
    return path < states_.size() ? states_[path].inode : kNone;
  }
  // The entry that holds them: its own path may be hidden, when a hard link to it is not.
  // EntryRef{} for what a hard link to nothing names.
  EntryRef HolderOf(std::uint32_t contents) const { return Ref(inodes_[contents].owner); }
  std::uint32_t NumNames(std::uint32_t contents) const { return inodes_[contents].num_names; }

  // Calls visit(path) for every path at which the top layer has changed what is seen; for others
  // and again for the same, too. REQUIRES: not empty.
  template <typename Visit>
  void ForEachTouched(const Visit& visit) const {
    for (std::size_t c = marks_.back().num_changes; c < changes_.size(); ++c) {
      visit(changes_[c].first);
    }
  }

  // Calls visit(path, entry) for all that is seen, parents before children, else in no particular
  // order; entry as At() has it.
  template <typename Visit>
  void ForEachSeen(const Visit& visit) const {
    ForEachSeenBelow(kRootPath, visit);
  }

  // The same for one path and what is below it; nothing when it is not there.
  template <typename Visit>
  void ForEachSeenBelow(PathIndex top, const Visit& visit) const {
    std::vector<PathIndex> open;
    if (Exists(top)) open.push_back(top);
    while (!open.empty()) {
      const PathIndex path = open.back();
      open.pop_back();
      visit(path, At(path));
      for (PathIndex c = states_[path].first_child; c != kNone; c = states_[c].next) {
        open.push_back(c);
      }
    }
  }

 private:
  enum class Kind : std::uint8_t { kAbsent, kImpliedDirectory, kDirectory, kOther };

  // An entry of a layer of the chain, which may hold a layer more than once.
  struct Name {
    std::uint32_t position = kNone;  // of the layer in the chain
    std::uint32_t entry = kNone;

    bool operator==(const Name&) const = default;
  };
  // What stands at a path: present paths are linked below their parents.
  struct State {
    Kind kind = Kind::kAbsent;
    bool is_implied = false;      // of kDirectory
    Name name;                    // of kDirectory and kOther
    std::uint32_t inode = kNone;  // of kOther
    PathIndex first_child = kNone;
    PathIndex next = kNone;
    PathIndex previous = kNone;
  };
  // The contents behind one or more names.
  struct Inode {
    Name owner;  // the entry that holds the contents; of links to nothing there is none
    std::uint32_t num_names = 0;
  };
  struct Mark {
    std::size_t num_changes = 0;
    std::size_t num_inode_changes = 0;
    std::size_t num_inodes = 0;
  };

  State& Change(PathIndex path);
  void AddNames(std::uint32_t inode, std::int32_t count);
  void Link(PathIndex path);
  void Unlink(PathIndex path);
  void MakeParents(PathIndex path, Name by);
  void Put(Name name);
  void PutImplied(PathIndex path, Name name);
  void Delete(Name marker);
  void ReportSuperseded(Name name);
  std::uint32_t InodeOf(Name name);
  void NoteWritten(PathIndex path, const Entry& entry);
  const std::vector<std::uint32_t>& SupersededOf(std::uint32_t position) const;
  SeenAttributes Own(Name name) const;
  SeenAttributes AttributesOf(PathIndex path, Name directory) const;
  SeenAttributes AttributesOfImplied(PathIndex path, Name directory) const;
  bool MayCopy(PathIndex path, std::uint8_t written) const;
  std::optional<SeenAttributes> CopiedTo(PathIndex path, std::uint32_t position) const;
  std::uint32_t BeginOf(std::uint32_t position, std::string_view key) const;
  std::uint32_t FirstBelow(std::uint32_t position, std::string_view key, std::uint32_t since) const;
  std::uint32_t ListedFrom(Name directory, std::uint32_t& since) const;
  Name LastOf(std::uint32_t position, std::string_view key) const;
  Name FollowWithin(std::uint32_t position, std::string& key) const;
  void HideTree(PathIndex top, Name by, HideCause cause, bool with_top);
  void HideFile(PathIndex path, Name by, HideCause cause);
  HideCause CauseAt(PathIndex path, Name above) const;
  void Report(Name hidden, Name by, HideCause cause);
  EntryRef Ref(Name name) const;
  const Entry& EntryOf(Name name) const;

  const PathTree& paths_;
  std::vector<State> states_;
  std::vector<Inode> inodes_;
  std::vector<OverlayLayer> layers_;
  std::vector<Mark> marks_;  // one for each layer
  std::vector<std::pair<PathIndex, State>> changes_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> inode_changes_;  // inode, num_names before
  std::vector<PathIndex> open_;
  // During a push: by entry of the top layer, the inode that it names; kNone where none does yet.
  std::vector<std::uint32_t> inode_of_;
  // Per path, since construction: what some layer has put there, see NoteWritten.
  std::vector<std::uint8_t> written_;
  OverlayWarnings warnings_;
  std::vector<Hiding>* hidden_ = nullptr;  // during a push
};

}  // namespace gneiss
