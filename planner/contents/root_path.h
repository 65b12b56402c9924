// Where a path leads inside a root when symlinks are followed as containerd follows them (RootPath
// of its package fs): names above the root stop there, targets are joined to what comes before them
// by names alone, and walks begin anew until one meets no link.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gneiss {

// The symlinks of one tree.
class SymlinkTree {
 public:
  virtual ~SymlinkTree() = default;

  // The target of the symlink that is at a key, as written; nullopt when none is there.
  [[nodiscard]] virtual std::optional<std::string_view> TargetAt(std::string_view key) = 0;
  // False only where no symlink is at the key, nor at one above it.
  [[nodiscard]] virtual bool MayBeOnWay(std::string_view key) = 0;
  // Called with the bytes of paths that are passed over; may throw to end the walk.
  virtual void Count(std::size_t bytes) = 0;
};

// The key. `path` begins with '/' when it was written so, which decides how the first link's target
// is read. Throws InputError without a place where more than 255 links are on the way, as in a
// loop.
[[nodiscard]] std::string FindRootPath(std::string_view path, SymlinkTree& links);

}  // namespace gneiss
