#include "planner/contents/path_selection.h"

#include <fnmatch.h>

#include <algorithm>

#include "planner/contents/path_key.h"

namespace gneiss {

PathSelection::PathSelection(const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    patterns_.push_back({.given = pattern, .key = MakePathKey(pattern).key});
  }
}

bool PathSelection::Selects(const std::string& key) {
  bool selects = patterns_.empty();
  // All of them, so that each is known to match something.
  for (Pattern& pattern : patterns_) {
    if (pattern.key.empty() || key == pattern.key || IsBelow(key, pattern.key) ||
        fnmatch(pattern.key.c_str(), key.c_str(), 0) == 0) {
      pattern.has_matched = true;
      selects = true;
    }
  }
  return selects;
}

std::string_view PathSelection::unmatched() const {
  const auto found = std::ranges::find(patterns_, false, &Pattern::has_matched);
  return found == patterns_.end() ? std::string_view() : std::string_view(found->given);
}

}  // namespace gneiss
