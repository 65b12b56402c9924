// The rules of planner/overlay.h written down plainly on strings, for property tests, and random
// layers to hold them against each other.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "planner/overlay.h"
#include "tests/tiny_inventory.h"

namespace gneiss {

class PlainOverlay {
 public:
  void Push(LayerIndex layer, const Inventory& inventory) {
    std::vector<std::uint32_t> order(inventory.entries.size());
    for (std::uint32_t e = 0; e < order.size(); ++e) order[inventory.entries[e].position] = e;
    for (const std::uint32_t e : order) {
      const Entry& entry = inventory.entries[e];
      const std::string path(inventory.path(entry));
      if (entry.type == EntryType::kOpaque || entry.type == EntryType::kWhiteout) {
        if (entry.type == EntryType::kWhiteout) nodes_.erase(path);
        EraseBelow(path);
      }
    }
    for (const std::uint32_t e : order) {
      const Entry& entry = inventory.entries[e];
      if (entry.type == EntryType::kOpaque || entry.type == EntryType::kWhiteout) continue;
      const std::string path(inventory.path(entry));
      for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] != '/') continue;
        Node& above = nodes_[path.substr(0, i)];
        if (!above.is_directory) above = {.is_directory = true};
      }
      Node made{.is_directory = entry.type == EntryType::kDirectory, .entry = {layer, e}};
      made.owner = made.entry;
      if (entry.type == EntryType::kHardLink) {
        made.owner = {};  // unless the link leads to a file
        const auto target = nodes_.find(std::string(inventory.link(entry)));
        if (target != nodes_.end() && !target->second.is_directory) {
          made.owner = target->second.owner;
        }
      }
      if (!made.is_directory) EraseBelow(path);
      nodes_[path] = made;
    }
  }

  std::map<std::string, EntryRef> Seen() const {
    std::map<std::string, EntryRef> seen;
    for (const auto& [path, node] : nodes_) seen[path] = node.entry;
    return seen;
  }
  // The entry with the contents seen at a path, which must be there: of a directory its own, of a
  // link to nothing none.
  EntryRef OwnerAt(const std::string& path) const { return nodes_.at(path).owner; }
  // Entries whose bytes are behind a path.
  std::set<EntryRef> Alive() const {
    std::set<EntryRef> alive;
    for (const auto& [path, node] : nodes_) {
      alive.insert(node.entry);
      alive.insert(node.owner);
    }
    return alive;
  }

 private:
  struct Node {
    bool is_directory = false;
    EntryRef entry;
    EntryRef owner;
  };
  void EraseBelow(const std::string& path) {
    std::erase_if(nodes_, [&](const auto& node) {
      return path.empty() || node.first.starts_with(path + "/");
    });
  }

  std::map<std::string, Node> nodes_;
};

// Few paths, so that layers meet; entries of every type, and markers.
inline std::vector<TinyEntry> RandomTinyLayer(std::mt19937& random) {
  const auto draw = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  const auto path = [&] {
    std::string text(1, static_cast<char>('a' + draw(3)));
    while (draw(2) == 0 && text.size() < 7)
      text += std::string("/") + static_cast<char>('a' + draw(3));
    return text;
  };
  std::vector<TinyEntry> entries;
  for (unsigned i = draw(9); i > 0; --i) {
    const std::string p = path();
    switch (draw(8)) {
      case 0:
        entries.push_back(tiny::Directory(p));
        break;
      case 1:
        entries.push_back(tiny::Symlink(p, path()));
        break;
      case 2: {
        // Scanners refuse a link to itself.
        const std::string target = path();
        if (target != p) entries.push_back(tiny::HardLink(p, target));
        break;
      }
      case 3:
        entries.push_back(tiny::Whiteout(p));
        break;
      case 4:
        entries.push_back(tiny::Opaque(p));
        break;
      default:
        entries.push_back(tiny::File(p, std::to_string(draw(3)), draw(2) == 0 ? 0644 : 0755));
    }
  }
  return entries;
}

}  // namespace gneiss
