#include "io/scan/unlisted_directories.h"

#include <utility>

namespace gneiss {

void UnlistedDirectories::List(std::string_view key) {
  listed_.emplace(key);
  if (const auto found = unlisted_.find(key); found != unlisted_.end()) unlisted_.erase(found);
}

void UnlistedDirectories::AddLink(std::string_view key) {
  for (key = ParentPath(key); !key.empty(); key = ParentPath(key)) {
    if (!listed_.contains(key)) unlisted_.emplace(key);
  }
}

std::vector<std::string> UnlistedDirectories::TakeBelow(std::string_view directory) {
  std::vector<std::string> taken;
  auto at = directory.empty() ? unlisted_.begin() : unlisted_.upper_bound(directory);
  while (at != unlisted_.end() && (directory.empty() || IsBelow(*at, directory))) {
    taken.push_back(std::move(unlisted_.extract(at++).value()));
  }
  return taken;
}

}  // namespace gneiss
