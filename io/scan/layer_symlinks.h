// The symlinks that a layer has written so far, and where they lead the entries that follow in the
// tar: of those the parent directory is found through the layer's own links (root_path.h). Links of
// other layers play no part: a runtime that stacks layers never sees them while it unpacks one.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "planner/contents/inventory.h"
#include "planner/contents/paths.h"
#include "planner/contents/root_path.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

class LayerSymlinks final : private SymlinkTree {
 public:
  // `texts`: what keys and targets are kept in, kept alive by the caller.
  explicit LayerSymlinks(const EntryTexts& texts) : texts_(texts), links_(ByPath{&texts}) {}

  bool empty() const { return links_.empty(); }

  // Where the directory `path` is, as a key; valid until the next call. `path` is a key, or the
  // directory of a hard link's target as written; `is_rooted`: it was written with a '/' in front.
  // Throws InputError without a place where more than 255 links are on the way, as in a loop, or
  // all ways of the layer together are too long.
  [[nodiscard]] std::string_view FindDirectory(std::string_view path, bool is_rooted);

  // The target of the link at a key, as a text; nullopt when there is none.
  [[nodiscard]] std::optional<std::uint32_t> TextAt(std::string_view key) const;

  // Whether a link is at a key or below it.
  [[nodiscard]] bool HasAtOrBelow(std::string_view key) const;
  // Calls take(key) for each link, in the order of keys.
  template <typename Take>
  void ForEach(const Take& take) const {
    for (const auto& [key, target] : links_) take(texts_[key]);
  }

  // An entry is written at `key`: what stood there goes, but a directory below a directory.
  void Replace(std::string_view key, bool by_directory);
  // After Replace: it is a link. Both are texts.
  void Add(std::uint32_t key, std::uint32_t target);

 private:
  struct ByPath {
    using is_transparent = void;
    const EntryTexts* texts;
    std::string_view Text(std::uint32_t text) const { return (*texts)[text]; }
    static std::string_view Text(std::string_view text) { return text; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return ComparePaths(Text(a), Text(b)) < 0;
    }
  };
  static constexpr std::size_t kFilterBits = std::size_t{1} << 18U;
  // By hashes of keys: false where no link is there, or below, so that most entries of most layers
  // cost no search.
  struct Filter {
    std::bitset<kFilterBits> at;
    std::bitset<kFilterBits> below;
  };

  std::optional<std::string_view> TargetAt(std::string_view key) override;
  bool MayBeOnWay(std::string_view key) override;
  void Count(std::size_t bytes) override;
  void Forget() { has_last_ = false; }

  const EntryTexts& texts_;
  std::map<std::uint32_t, std::uint32_t, ByPath> links_;  // key, target
  std::unique_ptr<Filter> filter_;                        // once there is a link
  std::string last_path_;
  std::string last_directory_;
  bool has_last_ = false;
  bool last_is_rooted_ = false;
  std::int64_t num_paths_ = 0;
  Bytes walked_ = 0;
};

}  // namespace gneiss
