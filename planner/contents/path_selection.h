// Some paths of a file system, by shell patterns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gneiss {

class PathSelection {
 public:
  // Patterns (fnmatch) over whole keys, in which "*" matches "/" too; a path without pattern
  // characters also means all below it. "/etc/", "./etc" and "etc" are one. None: every path.
  explicit PathSelection(const std::vector<std::string>& patterns);

  // Whether the key (path_key.h) is selected. Time O(patterns).
  [[nodiscard]] bool Selects(const std::string& key);

  // The first pattern, as it was given, that has matched nothing so far; empty when all have.
  [[nodiscard]] std::string_view unmatched() const;

 private:
  struct Pattern {
    std::string given;
    std::string key;
    bool has_matched = false;
  };
  std::vector<Pattern> patterns_;
};

}  // namespace gneiss
