// The rules of planner/contents/overlay.h written down plainly on strings, for property tests, and
// random layers to hold them against each other.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "planner/contents/lowest_layer.h"
#include "planner/contents/overlay.h"
#include "tests/make/tiny_inventory.h"

namespace gneiss {

// Layers are unpacked one by one into a tree of their own and put over what lies below. Of
// inventories with their implied directories.
class PlainOverlay {
 public:
  // `has_more_below`: what is pushed first lies over layers that this does not have.
  explicit PlainOverlay(bool has_more_below = false) : is_lowest_(!has_more_below) {}

  void Push(LayerIndex layer, const Inventory& inventory) {
    std::vector<std::uint32_t> order(inventory.entries.size());
    for (std::uint32_t e = 0; e < order.size(); ++e) order[inventory.entries[e].position] = e;
    if (std::exchange(is_lowest_, false)) {
      PushLowest(layer, inventory, order);
      return;
    }
    std::set<std::string> whiteouts;
    std::set<std::string> opaque;
    for (const std::uint32_t e : order) {
      const Entry& entry = inventory.entries[e];
      const std::string path(inventory.path(entry));
      if (entry.type == EntryType::kOpaque) opaque.insert(path);
      if (entry.type == EntryType::kWhiteout) whiteouts.insert(path);
      if (entry.implied || IsMarkerEntry(entry.type) || entry.type == EntryType::kDirectory)
        continue;
      // What is no directory takes away what the layer has had there.
      opaque.erase(path);
      std::erase_if(opaque, [&](const std::string& p) { return p.starts_with(path + "/"); });
      std::erase_if(whiteouts, [&](const std::string& p) { return p.starts_with(path + "/"); });
    }
    for (const std::string& path : whiteouts) {
      nodes_.erase(path);
      listed_.erase(path);
      EraseBelow(nodes_, path);
    }
    // The kernel always shows the roots of all layers.
    for (const std::string& path : opaque) {
      if (!path.empty()) EraseBelow(nodes_, path);
    }

    Nodes own;
    files_.clear();
    for (const std::uint32_t e : order) {
      const Entry& entry = inventory.entries[e];
      if (IsMarkerEntry(entry.type)) continue;
      Unpack(layer, inventory, e, own);
    }
    for (const auto& [path, node] : own) {
      if (!node.is_directory) listed_.erase(path);
      if (node.is_directory && !node.is_implied) listed_[path] = node.entry;
      const auto below = nodes_.find(path);
      const bool was_directory = below != nodes_.end() && below->second.is_directory;
      if (node.is_directory && was_directory && node.is_implied) continue;
      if (!node.is_directory) EraseBelow(nodes_, path);
      nodes_[path] = node;
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
  // The entry whose attributes a directory has that no layer lists: of the last that a layer has
  // listed there, hidden or not; else its own.
  EntryRef AttributesAt(const std::string& path) const {
    const auto listed = listed_.find(path);
    return nodes_.at(path).is_implied && listed != listed_.end() ? listed->second
                                                                 : nodes_.at(path).entry;
  }
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
    bool is_implied = false;
    EntryRef entry;
    EntryRef owner;
  };
  using Nodes = std::map<std::string, Node>;

  static void EraseBelow(Nodes& nodes, const std::string& path) {
    std::erase_if(nodes, [&](const auto& node) { return node.first.starts_with(path + "/"); });
  }

  // Straight into the tree: markers remove what the layer has written so far.
  void PushLowest(LayerIndex layer, const Inventory& inventory,
                  const std::vector<std::uint32_t>& order) {
    std::set<std::string> written;  // paths that had an entry
    files_.clear();
    for (const std::uint32_t e : order) {
      const Entry& entry = inventory.entries[e];
      const std::string path(inventory.path(entry));
      // Whether the directory is there is known by now.
      if (entry.implied) {
        const auto found = nodes_.find(path);
        if (found != nodes_.end() && found->second.entry == EntryRef{}) {
          found->second.entry = found->second.owner = {layer, e};
        }
        continue;
      }
      if (!IsMarkerName(entry.type)) written.insert(path);
      if (!IsMarkerEntry(entry.type)) {
        Unpack(layer, inventory, e, nodes_);
        continue;
      }
      MakeParents(entry.type == EntryType::kOpaque ? path + "/" : path, nodes_);
      if (IsWhiteout(entry.type)) {
        nodes_.erase(path);
        EraseBelow(nodes_, path);
        continue;
      }
      std::vector<std::string> unlisted;
      for (const auto& [below, node] : nodes_) {
        const bool is_below = path.empty() ? !below.empty() : below.starts_with(path + "/");
        if (is_below && node.is_directory && !written.contains(below)) unlisted.push_back(below);
      }
      for (const std::string& directory : unlisted) {
        nodes_.erase(directory);
        EraseBelow(nodes_, directory);
      }
    }
    for (const auto& [path, node] : nodes_) {
      if (node.is_directory && !node.is_implied) listed_[path] = node.entry;
    }
  }

  static void MakeParents(const std::string& path, Nodes& own) {
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (path[i] != '/') continue;
      Node& above = own[path.substr(0, i)];
      if (!above.is_directory) above = {.is_directory = true, .is_implied = true};
    }
  }

  // Into the layer's own tree.
  void Unpack(LayerIndex layer, const Inventory& inventory, std::uint32_t e, Nodes& own) {
    const Entry& entry = inventory.entries[e];
    const std::string path(inventory.path(entry));
    MakeParents(path, own);
    Node made{.is_directory = entry.type == EntryType::kDirectory,
              .is_implied = entry.implied,
              .entry = {layer, e}};
    made.owner = made.entry;
    if (entry.type == EntryType::kHardLink) {
      const std::string target(inventory.link(entry));
      made.owner = {};  // unless the link leads to a file
      bool is_lost = false;
      for (std::size_t i = 0; i < target.size(); ++i) {
        is_lost = is_lost || (target[i] == '/' && files_.contains(target.substr(0, i)));
      }
      const Nodes& nodes = own.contains(target) ? own : nodes_;
      const auto found = nodes.find(target);
      is_lost = is_lost && !own.contains(target);
      if (!is_lost && found != nodes.end() && !found->second.is_directory) {
        made.owner = found->second.owner;
      }
    }
    if (!made.is_directory) {
      EraseBelow(own, path);
      files_.insert(path);
    }
    const auto before = own.find(path);
    const bool is_listed =
        before != own.end() && before->second.is_directory && !before->second.is_implied;
    if (!entry.implied || !is_listed) own[path] = made;
  }

  bool is_lowest_;
  Nodes nodes_;
  std::map<std::string, EntryRef> listed_;  // directories
  std::set<std::string> files_;  // what the layer at hand has had as anything but a directory
};

// What a layer has written so far, as far as what may follow depends on it: runtimes refuse an
// entry below a file of the layer, and scans drop a whiteout that a directory of its layer undoes.
class TinyLayerRules {
 public:
  bool Takes(const TinyEntry& entry) const {
    std::string above;
    for (std::size_t i = 0; i < entry.path.size(); ++i) {
      if (entry.path[i] != '/') continue;
      above = entry.path.substr(0, i);
      const auto found = types_.find(above);
      if (found != types_.end() && found->second != EntryType::kDirectory) return false;
      if (whiteouts_.contains(above)) return false;
    }
    const bool makes_directory =
        entry.type == EntryType::kDirectory || entry.type == EntryType::kOpaque;
    if (makes_directory && whiteouts_.contains(entry.path)) return false;
    const auto found = types_.find(entry.path);
    return entry.type != EntryType::kOpaque || found == types_.end() ||
           found->second == EntryType::kDirectory;
  }

  void Add(const TinyEntry& entry) {
    for (std::size_t i = 0; i < entry.path.size(); ++i) {
      if (entry.path[i] == '/') types_[entry.path.substr(0, i)] = EntryType::kDirectory;
    }
    if (entry.type == EntryType::kWhiteout) {
      whiteouts_.insert(entry.path);
      return;
    }
    const bool is_directory =
        entry.type == EntryType::kDirectory || entry.type == EntryType::kOpaque;
    const auto is_below = [&](const std::string& path) {
      return path.starts_with(entry.path + "/");
    };
    if (!is_directory) {
      std::erase_if(types_, [&](const auto& type) { return is_below(type.first); });
      std::erase_if(whiteouts_, is_below);
    }
    types_[entry.path] = is_directory ? EntryType::kDirectory : entry.type;
  }

 private:
  std::map<std::string, EntryType> types_;
  std::set<std::string> whiteouts_;
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
  TinyLayerRules rules;
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
    if (entries.empty() || entries.back().path != p) continue;
    if (rules.Takes(entries.back())) {
      rules.Add(entries.back());
    } else {
      entries.pop_back();
    }
  }
  return entries;
}

// Whether markers of the layer remove what it has itself where it is the lowest. Images with such a
// lowest layer keep their layers, and runtimes refuse links to what is removed.
inline bool RemovesItsOwn(Inventory inventory) {
  AddImpliedDirectories(inventory);
  return !FindSupersededIfLowest(inventory, FindSuperseded(inventory)).empty();
}
inline bool RemovesItsOwn(const std::vector<TinyEntry>& entries) {
  return RemovesItsOwn(MakeTinyInventory(entries));
}

}  // namespace gneiss
