#include "io/scan/layer_symlinks.h"

#include <algorithm>

#include "planner/input_error.h"

namespace gneiss {
namespace {

constexpr int kMaxLinks = 255;       // of containerd
constexpr int kMaxLinksOnDisk = 40;  // of Linux
// All ways together may pass over so many bytes of paths, so that chains of long links cost no
// more than time linear in the layer.
constexpr Bytes kFreeBytes = Bytes{64} << 20;
constexpr Bytes kBytesForEach = 4096;

constexpr std::uint64_t kHashStart = 0xcbf29ce484222325U;  // FNV-1a, which grows with its text
std::uint64_t AddToHash(std::uint64_t hash, char c) {
  return (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
}
std::uint64_t HashKey(std::string_view key) {
  std::uint64_t hash = kHashStart;
  for (const char c : key) hash = AddToHash(hash, c);
  return hash;
}

// Takes the first component off a path, empty ones passed over; empty: there is none.
std::string_view TakeComponent(std::string_view& path) {
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
    const std::string_view part = TakeComponent(path);
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
      std::to_string(kMaxLinks) + " in a row");
}

}  // namespace

std::string_view LayerSymlinks::FindDirectory(std::string_view path, bool is_rooted) {
  ++num_paths_;
  if (links_.empty() && IsPathKey(path)) return path;
  if (!has_last_ || last_path_ != path || last_is_rooted_ != is_rooted) {
    last_directory_ = IsPathKey(path) && !HasLinkOnWay(path) ? path : Walk(path, is_rooted);
    last_path_ = path;
    last_is_rooted_ = is_rooted;
    has_last_ = true;
  }
  return last_directory_;
}

std::optional<std::uint32_t> LayerSymlinks::TargetAt(std::string_view key) const {
  const auto found = links_.find(key);
  return found == links_.end() ? std::nullopt : std::optional(found->second);
}

void LayerSymlinks::Replace(std::string_view key, bool by_directory) {
  if (links_.empty()) return;
  const std::size_t bit = HashKey(key) % kFilterBits;
  const bool has_below = !by_directory && filter_->below[bit];
  if (!filter_->at[bit] && !has_below) return;
  auto begin = links_.lower_bound(key);
  auto end = begin;
  // What lies below a key follows it directly.
  while (end != links_.end() &&
         (texts_[end->first] == key || (has_below && IsBelow(texts_[end->first], key)))) {
    ++end;
  }
  if (begin == end) return;
  links_.erase(begin, end);
  Forget();
}

void LayerSymlinks::Add(std::uint32_t key, std::uint32_t target) {
  if (filter_ == nullptr) filter_ = std::make_unique<Filter>();
  std::uint64_t hash = kHashStart;
  for (const char c : texts_[key]) {
    if (c == '/') filter_->below[hash % kFilterBits] = true;
    hash = AddToHash(hash, c);
  }
  filter_->at[hash % kFilterBits] = true;
  links_.emplace(key, target);
  Forget();
}

// Whether a key or one above it may be a link.
bool LayerSymlinks::HasLinkOnWay(std::string_view key) const {
  if (links_.empty()) return false;
  std::uint64_t hash = kHashStart;
  for (const char c : key) {
    if (c == '/' && filter_->at[hash % kFilterBits]) return true;
    hash = AddToHash(hash, c);
  }
  return filter_->at[hash % kFilterBits];
}

// As RootPath: walks again from the root until a walk meets no link.
std::string LayerSymlinks::Walk(std::string_view path, bool is_rooted) {
  std::string way = is_rooted ? "/" + std::string(path) : std::string(path);
  for (int num_links = 0;;) {
    const int before = num_links;
    way = WalkOnce(way, num_links);
    if (num_links == before) return MakePathKey(way).key;
  }
}

// Puts the target of each link in place of what led there, joined by names alone: a ".." takes away
// the name before it, even one that is a link itself. Only the target of the first component of a
// relative path, and an absolute target, stay as they are, for the next walk to go.
std::string LayerSymlinks::WalkOnce(std::string_view path, int& num_links) {
  std::string at = path.starts_with('/') ? "/" : "";
  while (true) {
    const std::string_view part = TakeComponent(path);
    if (part.empty()) return at;
    if (num_links > kMaxLinks) FailAtLoop();
    const std::string key = MakePathKey(at + "/" + std::string(part)).key;
    Count(key.size() + 1);
    const std::optional<std::uint32_t> link = TargetOnDisk(key);
    if (!link) {
      at = "/" + key;
      continue;
    }
    ++num_links;
    const std::string_view target = texts_[*link];
    Count(target.size());
    const bool stays = at.empty() || target.starts_with('/');
    at = stays ? std::string(target) : CleanPath(at + "/" + std::string(target));
  }
}

// The link at a key as Linux finds it, where those above it may be links too: when a walk has put
// a target in place of a link, what that leads through is not yet walked. Out of the root there is
// none.
std::optional<std::uint32_t> LayerSymlinks::TargetOnDisk(std::string_view key) {
  if (key.empty() || !HasLinkOnWay(key)) return std::nullopt;
  if (!HasLinkOnWay(ParentPath(key))) return TargetAt(key);
  std::string way(key);
  std::string at;
  for (int num_links = 0;;) {
    std::string_view rest = way;
    const std::string_view part = TakeComponent(rest);
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
    Count(at.size());
    const std::optional<std::uint32_t> link = TargetAt(at);
    if (rest.empty()) return link;
    if (!link) {
      way = std::string(rest);
      continue;
    }
    const std::string_view target = texts_[*link];
    if (target.starts_with('/')) return std::nullopt;
    if (++num_links > kMaxLinksOnDisk) FailAtLoop();
    at.resize(parent);
    way = std::string(target) + std::string(rest);
    Count(way.size());
  }
}

void LayerSymlinks::Count(std::size_t bytes) {
  walked_ += static_cast<Bytes>(bytes);
  if (walked_ <= kFreeBytes + num_paths_ * kBytesForEach) return;
  throw InputError("expected symlinks of the layer that lead over at most " +
                   std::to_string(kBytesForEach) +
                   " bytes of paths for each entry below them, found more");
}

}  // namespace gneiss
