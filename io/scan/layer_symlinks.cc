#include "io/scan/layer_symlinks.h"

#include <algorithm>

#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

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

}  // namespace

std::string_view LayerSymlinks::FindDirectory(std::string_view path, bool is_rooted) {
  ++num_paths_;
  if (links_.empty() && IsPathKey(path)) return path;
  if (!has_last_ || last_path_ != path || last_is_rooted_ != is_rooted) {
    const bool is_plain = IsPathKey(path) && !MayBeOnWay(path);
    last_directory_ = is_plain ? std::string(path)
                               : FindRootPath((is_rooted ? "/" : "") + std::string(path), *this);
    last_path_ = path;
    last_is_rooted_ = is_rooted;
    has_last_ = true;
  }
  return last_directory_;
}

std::optional<std::uint32_t> LayerSymlinks::TextAt(std::string_view key) const {
  const auto found = links_.find(key);
  return found == links_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string_view> LayerSymlinks::TargetAt(std::string_view key) {
  const std::optional<std::uint32_t> text = TextAt(key);
  return text ? std::optional(texts_[*text]) : std::nullopt;
}

bool LayerSymlinks::HasAtOrBelow(std::string_view key) const {
  if (links_.empty()) return false;
  if (key.empty()) return true;
  const std::size_t bit = HashKey(key) % kFilterBits;
  if (!filter_->at[bit] && !filter_->below[bit]) return false;
  // What lies below a key follows it directly.
  const auto found = links_.lower_bound(key);
  return found != links_.end() &&
         (texts_[found->first] == key || IsBelow(texts_[found->first], key));
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

bool LayerSymlinks::MayBeOnWay(std::string_view key) {
  if (links_.empty()) return false;
  std::uint64_t hash = kHashStart;
  for (const char c : key) {
    if (c == '/' && filter_->at[hash % kFilterBits]) return true;
    hash = AddToHash(hash, c);
  }
  return filter_->at[hash % kFilterBits];
}

void LayerSymlinks::Count(std::size_t bytes) {
  walked_ += static_cast<Bytes>(bytes);
  if (walked_ <= kFreeBytes + num_paths_ * kBytesForEach) return;
  throw InputError("expected symlinks of the layer that lead over at most " +
                   std::to_string(kBytesForEach) +
                   " bytes of paths for each entry below them, found more");
}

}  // namespace gneiss
