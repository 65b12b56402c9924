// Directories that lead to symlinks of a layer and that the layer has not listed so far. In a
// lowest layer an opaque marker takes those away that are below it, and the links with them.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "planner/contents/paths.h"

namespace gneiss {

class UnlistedDirectories {
 public:
  // An entry is listed at `key`. Once listed a path stays so, whatever becomes of the entry. Time
  // O(log n).
  void List(std::string_view key);
  // A link is at `key`, whose own entry is listed. Time O(depth * log n).
  void AddLink(std::string_view key);
  // Takes out and returns those below `directory`, each before what is below it.
  [[nodiscard]] std::vector<std::string> TakeBelow(std::string_view directory);

 private:
  struct ByPath {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return ComparePaths(a, b) < 0; }
  };
  using Keys = std::set<std::string, ByPath>;

  Keys listed_;
  Keys unlisted_;
};

}  // namespace gneiss
