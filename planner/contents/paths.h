// All paths of many inventories as one tree, each path once and known by an index. What the merged
// file systems of a whole fleet are built on: see overlay.h.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "planner/contents/inventory.h"

namespace gneiss {

// Paths of a layer's entries as keys: relative to the root, components joined by single '/', none
// of them empty, "." or "..". The root is the empty key. Bytes are bytes: no encoding is assumed,
// and two names that look alike are two keys. A key is never opened.

struct PathKey {
  std::string key;
  bool above_root = false;  // ".." led out of the root, where it was stopped
};

// Key of a name as an archive gives it: "/etc//x", "./etc/x" and "etc/a/../x/" are all "etc/x".
// Lexical: links are not followed. Time O(name).
[[nodiscard]] PathKey MakePathKey(std::string_view name);

// Whether a text is a key. Time O(text).
[[nodiscard]] bool IsPathKey(std::string_view text);

// Order by components: a directory comes before all that lies below it, and that before anything
// else, so a subtree is a range. ('/' sorts below every other byte.)
[[nodiscard]] std::strong_ordering ComparePaths(std::string_view a, std::string_view b);

// Whether a key lies below another, which is not the root.
[[nodiscard]] bool IsBelow(std::string_view path, std::string_view directory);

// Of a key that is not the root: the key of its directory, and its last component.
[[nodiscard]] std::string_view ParentPath(std::string_view key);
[[nodiscard]] std::string_view BaseName(std::string_view key);

// Number of components, 0 for the root.
[[nodiscard]] std::size_t PathDepth(std::string_view key);

using PathIndex = std::uint32_t;
inline constexpr PathIndex kRootPath = 0;

// Where the entries of one inventory stand in the tree, in the order of Inventory::entries, and
// what becomes of them within their layer.
struct LayerPaths {
  std::vector<PathIndex> path;               // of each entry
  std::vector<PathIndex> link;               // of a hard link's target, else kNone
  std::vector<std::uint32_t> in_tar;         // indices of entries by position
  std::vector<std::uint32_t> superseded_by;  // FindSuperseded
  // FindSupersededIfLowest: empty where that is the same.
  std::vector<std::uint32_t> superseded_if_lowest;
  // Of what has contents to name: the entry itself, of a hard link to a file of its layer that
  // file's. A hard link that owns itself names what layers below have at `link`; kNone: it names
  // nothing, since its layer has put something else there before.
  std::vector<std::uint32_t> owner;

  // `is_lowest`: of an image's layer with nothing below it.
  const std::vector<std::uint32_t>& superseded(bool is_lowest) const {
    return is_lowest && !superseded_if_lowest.empty() ? superseded_if_lowest : superseded_by;
  }
};

// Invariants: parent_[p] < p except for the root; slots_ holds index + 1, 0 for free, and is a
// power of two at least twice size().
class PathTree {
 public:
  PathTree();

  // Adds all paths of an inventory, and those above them. Throws std::length_error past 2^32 - 2
  // paths. Time O(bytes of its paths).
  [[nodiscard]] LayerPaths Add(const Inventory& inventory);

  std::size_t size() const { return parent_.size(); }
  // REQUIRES: not the root.
  PathIndex parent(PathIndex path) const { return parent_[path]; }
  // Last component, empty for the root. Valid until the next Add.
  std::string_view name(PathIndex path) const {
    return std::string_view(names_).substr(first_[path], first_[path + 1] - first_[path]);
  }
  // kNone when no inventory has the path.
  PathIndex Find(std::string_view key) const;
  // The whole key.
  std::string key(PathIndex path) const;

 private:
  class LinkResolver;

  PathIndex Child(PathIndex parent, std::string_view name);
  PathIndex FindOrAdd(std::string_view key);
  std::size_t SlotOf(PathIndex parent, std::string_view name) const;
  void Grow();

  std::vector<PathIndex> parent_;
  std::vector<std::uint64_t> first_;  // into names_, and one past the end
  std::string names_;
  std::vector<std::uint32_t> slots_;
};

}  // namespace gneiss
