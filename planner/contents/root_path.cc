#include "planner/contents/root_path.h"

#include <algorithm>

#include "planner/contents/paths.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr int kMaxLinksFollowed = 255;  // of containerd
constexpr int kMaxLinksOnDisk = 40;     // of Linux

// Takes the first component off a path, empty ones passed over; empty: there is none.
std::string_view TakeName(std::string_view& path) {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  const std::string_view part = path.substr(0, path.find('/'));
  path.remove_prefix(part.size());
  return part;
}

// "a/./b/../c" as "a/c": an absolute path stays one, and a relative one may begin with "..".
std::string CleanPath(std::string_view path) {
  if (path.starts_with('/')) return "/" + MakePathKey(path).key;
  std::string clean;
  std::size_t fixed = 0;  // bytes of leading ".."
  while (true) {
    const std::string_view part = TakeName(path);
    if (part.empty()) return clean;
    if (part == ".") continue;
    if (part == ".." && clean.size() > fixed) {
      clean.resize(std::max(fixed, ParentPath(clean).size()));
      continue;
    }
    if (!clean.empty()) clean += '/';
    clean += part;
    if (part == "..") fixed = clean.size();
  }
}

[[noreturn]] void FailAtLoop() {
  throw InputError(
      "expected a parent directory, found a loop of the layer's symlinks or more than " +
      std::to_string(kMaxLinksFollowed) + " in a row");
}

// The link at a key as Linux finds it, where those above it may be links too: when a walk has put
// a target in place of a link, what that leads through is not yet walked. Out of the root there is
// none.
std::optional<std::string_view> TargetOnDisk(std::string_view key, SymlinkTree& links) {
  if (key.empty() || !links.MayBeOnWay(key)) return std::nullopt;
  if (!links.MayBeOnWay(ParentPath(key))) return links.TargetAt(key);
  std::string way(key);
  std::string at;
  for (int num_links = 0;;) {
    std::string_view rest = way;
    const std::string_view part = TakeName(rest);
    if (part == "..") {
      if (at.empty()) return std::nullopt;
      at.resize(ParentPath(at).size());
    }
    if (part == "." || part == "..") {
      way = std::string(rest);
      continue;
    }
    const std::size_t parent = at.size();
    if (!at.empty()) at += '/';
    at += part;
    links.Count(at.size());
    const std::optional<std::string_view> link = links.TargetAt(at);
    if (rest.empty()) return link;
    if (!link) {
      way = std::string(rest);
      continue;
    }
    const std::string_view target = *link;
    if (target.starts_with('/')) return std::nullopt;
    if (++num_links > kMaxLinksOnDisk) FailAtLoop();
    at.resize(parent);
    way = std::string(target) + std::string(rest);
    links.Count(way.size());
  }
}

// Puts the target of each link in place of what led there, joined by names alone: a ".." takes away
// the name before it, even one that is a link itself. Only the target of the first component of a
// relative path, and an absolute target, stay as they are, for the next walk to go.
std::string WalkOnce(std::string_view path, SymlinkTree& links, int& num_links) {
  std::string at = path.starts_with('/') ? "/" : "";
  while (true) {
    const std::string_view part = TakeName(path);
    if (part.empty()) return at;
    if (num_links > kMaxLinksFollowed) FailAtLoop();
    const std::string key = MakePathKey(at + "/" + std::string(part)).key;
    links.Count(key.size() + 1);
    const std::optional<std::string_view> link = TargetOnDisk(key, links);
    if (!link) {
      at = "/" + key;
      continue;
    }
    ++num_links;
    const std::string_view target = *link;
    links.Count(target.size());
    const bool stays = at.empty() || target.starts_with('/');
    at = stays ? std::string(target) : CleanPath(at + "/" + std::string(target));
  }
}

}  // namespace

std::string FindRootPath(std::string_view path, SymlinkTree& links) {
  std::string way(path);
  for (int num_links = 0;;) {
    const int before = num_links;
    way = WalkOnce(way, links, num_links);
    if (num_links == before) return MakePathKey(way).key;
  }
}

}  // namespace gneiss
