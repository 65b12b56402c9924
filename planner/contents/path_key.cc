#include "planner/contents/path_key.h"

#include <algorithm>

namespace gneiss {

PathKey MakePathKey(std::string_view name) {
  PathKey made;
  while (!name.empty()) {
    const std::size_t slash = std::min(name.find('/'), name.size());
    const std::string_view part = name.substr(0, slash);
    name.remove_prefix(std::min(slash + 1, name.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (made.key.empty()) made.above_root = true;
      made.key.resize(ParentPath(made.key).size());
      continue;
    }
    if (!made.key.empty()) made.key += '/';
    made.key += part;
  }
  return made;
}

bool IsPathKey(std::string_view text) {
  if (text.empty()) return true;
  while (true) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string_view part = text.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == text.size()) return true;
    text.remove_prefix(slash + 1);
  }
}

std::strong_ordering ComparePaths(std::string_view a, std::string_view b) {
  const auto [in_a, in_b] = std::ranges::mismatch(a, b);
  if (in_a == a.end() || in_b == b.end()) return a.size() <=> b.size();
  if (*in_a == '/' || *in_b == '/') {
    return *in_a == '/' ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  return static_cast<unsigned char>(*in_a) <=> static_cast<unsigned char>(*in_b);
}

bool IsBelow(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

std::string_view ParentPath(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : key.substr(0, slash);
}

std::string_view BaseName(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  return slash == std::string_view::npos ? key : key.substr(slash + 1);
}

std::size_t PathDepth(std::string_view key) {
  return key.empty() ? 0 : static_cast<std::size_t>(std::ranges::count(key, '/')) + 1;
}

}  // namespace gneiss
