#include "io/scan/symlink_loops.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "planner/path_key.h"

namespace gneiss {
namespace {

constexpr int kMaxLinks = 40;  // MAXSYMLINKS
constexpr std::int64_t kMaxPassed = std::int64_t{64} << 20;

class LoopFinder {
 public:
  explicit LoopFinder(const Inventory& inventory) : inventory_(inventory) {}

  const Entry* Find() {
    const std::vector<Entry>& entries = inventory_.entries;
    for (std::size_t i = 0, end = 0; i < entries.size(); i = end) {
      const std::string_view path = inventory_.path(entries[i]);
      end = i;
      while (end < entries.size() && inventory_.path(entries[end]) == path) ++end;
      // What lies below a path follows it directly.
      if (end == entries.size() || !IsBelow(inventory_.path(entries[end]), path)) continue;
      const Entry* const symlink = SymlinkOf(i, end);
      if (symlink != nullptr && Loops(path)) return symlink;
    }
    return nullptr;
  }

 private:
  // The symlink that the entries [begin, end) of one path leave there, if they do.
  const Entry* SymlinkOf(std::size_t begin, std::size_t end) const {
    while (end-- > begin) {
      const Entry& entry = inventory_.entries[end];
      if (entry.type == EntryType::kWhiteout || entry.type == EntryType::kOpaque) continue;
      return entry.type == EntryType::kSymlink ? &entry : nullptr;
    }
    return nullptr;
  }

  const Entry* SymlinkAt(std::string_view path) const {
    const std::vector<Entry>& entries = inventory_.entries;
    const auto begin = std::ranges::partition_point(entries, [&](const Entry& entry) {
      return ComparePaths(inventory_.path(entry), path) < 0;
    });
    auto end = begin;
    while (end != entries.end() && inventory_.path(*end) == path) ++end;
    return SymlinkOf(static_cast<std::size_t>(begin - entries.begin()),
                     static_cast<std::size_t>(end - entries.begin()));
  }

  bool Loops(std::string_view path) {
    std::string way(path);  // from `next` on still to go
    std::size_t next = 0;
    std::string at;  // key of where the walk is
    for (int links = 0; next < way.size();) {
      const std::size_t slash = std::min(way.find('/', next), way.size());
      const std::string_view name = std::string_view(way).substr(next, slash - next);
      next = slash + 1;
      if (name.empty() || name == ".") continue;
      if (name == "..") {
        at.resize(ParentPath(at).size());
        continue;
      }
      const std::size_t parent = at.size();
      if (!at.empty()) at += '/';
      at += name;
      passed_ += std::ssize(at);
      if (passed_ > kMaxPassed) return true;
      const Entry* const symlink = SymlinkAt(at);
      if (symlink == nullptr) continue;
      const std::string_view target = inventory_.link(*symlink);
      at.resize(target.starts_with('/') ? 0 : parent);
      way = std::string(target) + way.substr(std::min(slash, way.size()));
      next = 0;
      passed_ += std::ssize(way);
      if (++links > kMaxLinks) return true;
    }
    return false;
  }

  const Inventory& inventory_;
  std::int64_t passed_ = 0;  // bytes
};

}  // namespace

const Entry* FindSymlinkLoop(const Inventory& inventory) { return LoopFinder(inventory).Find(); }

}  // namespace gneiss
