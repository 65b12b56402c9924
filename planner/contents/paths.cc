#include "planner/contents/paths.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "planner/contents/lowest_layer.h"
#include "solver/hashing/seeded_hash.h"

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

namespace {

constexpr std::size_t kMinPathSlots = 1024;

std::size_t HashName(PathIndex parent, std::string_view name) {
  return KeyedHash().Add(parent).AddText(name).Finish();
}

// Calls `visit` with each component of `key`.
template <typename Visit>
void ForEachComponent(std::string_view key, const Visit& visit) {
  while (!key.empty()) {
    const std::size_t end = std::min(key.find('/'), key.size());
    visit(key.substr(0, end));
    key.remove_prefix(std::min(end + 1, key.size()));
  }
}

}  // namespace

PathTree::PathTree() : parent_{kNone}, first_{0, 0}, slots_(kMinPathSlots, 0) {}

// What the hard links of one layer name within it: its entries in the tar's order, one by one.
class PathTree::LinkResolver {
 public:
  LinkResolver(const PathTree& tree, const Inventory& inventory, const LayerPaths& paths)
      : tree_(tree), inventory_(inventory), paths_(paths) {}

  std::vector<std::uint32_t> Run() {
    std::vector<std::uint32_t> owner(paths_.path.size());
    std::iota(owner.begin(), owner.end(), 0U);
    for (const PathIndex target : paths_.link) {
      if (target != kNone) past_[target].is_target = true;
    }
    if (past_.empty()) return owner;
    for (const std::uint32_t e : paths_.in_tar) {
      const Entry& entry = inventory_.entries[e];
      if (IsMarkerName(entry.type) || entry.implied) continue;
      // The directories above it are made before a link is looked up.
      for (PathIndex path = paths_.path[e]; path != kRootPath;) {
        path = tree_.parent(path);
        const auto above = past_.find(path);
        if (above != past_.end() && above->second.is_target) above->second.below = MomentOf(e);
      }
      if (entry.type == EntryType::kHardLink) owner[e] = OwnerOf(e, owner);
      Past& here = past_[paths_.path[e]];
      here.last = e;
      if (entry.type != EntryType::kDirectory) here.file = MomentOf(e);
    }
    return owner;
  }

 private:
  // Moments are from 1, so that 0 is before all.
  struct Past {
    std::uint32_t last = kNone;  // entry at the path
    std::uint32_t file = 0;      // moment of the last that is no directory
    std::uint32_t below = 0;     // of the last below, of targets
    bool is_target = false;
  };

  std::uint32_t MomentOf(std::uint32_t e) const { return inventory_.entries[e].position + 1; }

  std::uint32_t OwnerOf(std::uint32_t link, const std::vector<std::uint32_t>& owner) const {
    PathIndex path = paths_.link[link];
    const Past& target = past_.at(path);
    const std::uint32_t since = target.last == kNone ? 0 : MomentOf(target.last);
    // What came above or below since took its place.
    bool is_lost = target.below > since;
    while (path != kRootPath) {
      path = tree_.parent(path);
      const auto above = past_.find(path);
      is_lost = is_lost || (above != past_.end() && above->second.file > since);
    }
    if (is_lost) return kNone;
    if (target.last == kNone) return link;
    const EntryType type = inventory_.entries[target.last].type;
    const bool is_file = type != EntryType::kDirectory && !IsMarkerEntry(type);
    return is_file ? owner[target.last] : kNone;
  }

  const PathTree& tree_;
  const Inventory& inventory_;
  const LayerPaths& paths_;
  std::unordered_map<PathIndex, Past> past_;
};

LayerPaths PathTree::Add(const Inventory& inventory) {
  LayerPaths paths;
  const std::size_t n = inventory.entries.size();
  paths.path.reserve(n);
  paths.link.assign(n, kNone);
  paths.in_tar.resize(n);
  // Entries are sorted, so each path starts with most of the one before it.
  std::string_view before;
  std::vector<std::pair<std::size_t, PathIndex>> open = {{0, kRootPath}};  // length of key, path
  for (std::size_t i = 0; i < n; ++i) {
    const Entry& entry = inventory.entries[i];
    const std::string_view key = inventory.path(entry);
    const auto same =
        static_cast<std::size_t>(std::ranges::mismatch(before, key).in1 - before.begin());
    while (open.back().first > same || (open.back().first == same && same < key.size() &&
                                        open.size() > 1 && key[same] != '/')) {
      open.pop_back();
    }
    const std::size_t known = open.back().first;
    std::size_t length = known;
    ForEachComponent(key.substr(known == 0 ? 0 : std::min(known + 1, key.size())),
                     [&](std::string_view name) {
                       length += name.size() + (length == 0 ? 0 : 1);
                       open.emplace_back(length, Child(open.back().second, name));
                     });
    before = key;
    paths.path.push_back(open.back().second);
    paths.in_tar[entry.position] = static_cast<std::uint32_t>(i);
    if (entry.type == EntryType::kHardLink) paths.link[i] = FindOrAdd(inventory.link(entry));
  }
  paths.superseded_by = FindSuperseded(inventory);
  paths.superseded_if_lowest = FindSupersededIfLowest(inventory, paths.superseded_by);
  paths.owner = LinkResolver(*this, inventory, paths).Run();
  return paths;
}

std::string PathTree::key(PathIndex path) const {
  std::vector<PathIndex> chain;
  for (; path != kRootPath; path = parent_[path]) chain.push_back(path);
  std::string key;
  for (auto p = chain.rbegin(); p != chain.rend(); ++p) {
    if (!key.empty()) key += '/';
    key += name(*p);
  }
  return key;
}

PathIndex PathTree::FindOrAdd(std::string_view key) {
  PathIndex path = kRootPath;
  ForEachComponent(key, [&](std::string_view name) { path = Child(path, name); });
  return path;
}

PathIndex PathTree::Find(std::string_view key) const {
  PathIndex path = kRootPath;
  ForEachComponent(key, [&](std::string_view name) {
    if (path == kNone) return;
    const std::uint32_t found = slots_[SlotOf(path, name)];
    path = found == 0 ? kNone : found - 1;
  });
  return path;
}

// The slot that holds the path, or the free one where it belongs.
std::size_t PathTree::SlotOf(PathIndex parent, std::string_view name) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = HashName(parent, name) & mask;
  while (slots_[slot] != 0 &&
         (parent_[slots_[slot] - 1] != parent || this->name(slots_[slot] - 1) != name)) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

PathIndex PathTree::Child(PathIndex parent, std::string_view name) {
  if (2 * (size() + 1) > slots_.size()) Grow();
  const std::size_t slot = SlotOf(parent, name);
  if (slots_[slot] != 0) return slots_[slot] - 1;
  if (size() >= kNone - 1) throw std::length_error("more than 2^32 paths");
  parent_.push_back(parent);
  names_.append(name);
  first_.push_back(names_.size());
  slots_[slot] = static_cast<std::uint32_t>(size());
  return static_cast<PathIndex>(size() - 1);
}

void PathTree::Grow() {
  slots_.assign(2 * slots_.size(), 0);
  const std::size_t mask = slots_.size() - 1;
  for (PathIndex p = 1; p < size(); ++p) {
    std::size_t slot = HashName(parent_[p], name(p)) & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = p + 1;
  }
}

}  // namespace gneiss
