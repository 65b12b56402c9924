#include "planner/carve/layer_description.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "planner/contents/overlay.h"

namespace gneiss {
namespace {

// "usr/lib/jvm" of "usr/lib/jvm/java/bin/java"; a file there is in no directory of its own.
std::string_view GroupName(std::string_view path) {
  std::size_t components = path.starts_with("usr/") ? 3 : 2;
  std::size_t end = 0;
  for (std::size_t at = path.find('/'); at != std::string_view::npos && components > 0;
       at = path.find('/', at + 1), --components) {
    end = at;
  }
  return end == 0 ? "." : path.substr(0, end);
}

// Packages by what they are, whichever layers have them; then directories.
struct GroupOrder {
  using Key = std::pair<const Package*, std::string_view>;

  bool operator()(const Key& a, const Key& b) const {
    if (a.first == nullptr || b.first == nullptr) {
      return a.first != nullptr || (b.first == nullptr && a.second < b.second);
    }
    return *a.first < *b.first;
  }
};

template <typename Part>
void SortLargestFirst(std::vector<Part>& parts, auto name) {
  std::ranges::sort(parts, [&](const Part& a, const Part& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : std::invoke(name, a) < std::invoke(name, b);
  });
}

}  // namespace

LayerDescription DescribeLayer(const ContentAtoms& atoms, const LayerContents& contents,
                               const GeneratedLayer& layer, std::size_t max_paths) {
  LayerDescription description;
  std::map<std::pair<const Package*, std::string_view>, ContentGroup, GroupOrder> groups;
  std::map<LayerIndex, Bytes> layers;
  for (const AtomIndex a : layer.atoms) {
    for (const Unit& unit : atoms.files.units_of(a)) {
      const EntryRef name = atoms.files.names_of(unit).front();
      const Inventory& inventory = *contents.inventories[name.layer];
      const Entry& entry = inventory.entries[name.entry];
      const std::string_view path = inventory.path(entry);
      const Package* const package =
          entry.package == kNone ? nullptr : &inventory.packages[entry.package];
      ContentGroup& group = groups[{package, package != nullptr ? "" : GroupName(path)}];
      group.bytes = CheckedAdd(group.bytes, unit.bytes);
      ++group.num_files;
      ++description.num_files;
      Bytes& from = layers[unit.contents.layer];
      from = CheckedAdd(from, unit.bytes);
      description.paths.push_back({std::string(path), unit.bytes});
    }
  }
  for (auto& [key, group] : groups) {
    const auto& [package, directory] = key;
    if (package != nullptr) {
      group.package = *package;
      group.name = package->name;
      if (!package->version.empty()) group.name += " " + package->version;
    } else {
      group.name = std::string(directory);
    }
    description.groups.push_back(std::move(group));
  }
  for (const auto& [from, bytes] : layers) description.layers.push_back({from, bytes});
  SortLargestFirst(description.groups, &ContentGroup::name);
  SortLargestFirst(description.layers, &LayerPart::layer);
  SortLargestFirst(description.paths, &PathPart::path);
  if (description.paths.size() > max_paths) description.paths.resize(max_paths);
  return description;
}

std::vector<PathPart> HiddenPaths(const LayerContents& contents,
                                  std::span<const LayerIndex> segment, std::size_t max_paths) {
  if (!std::ranges::all_of(segment,
                           [&](LayerIndex l) { return contents.inventories[l].has_value(); })) {
    return {};
  }
  Overlay overlay(contents.paths);
  std::vector<Hiding> hidden;
  for (const LayerIndex l : segment) {
    overlay.Push(
        {.layer = l, .inventory = &*contents.inventories[l], .paths = &contents.layer_paths[l]},
        hidden);
  }
  std::map<std::string_view, Bytes> bytes_at;
  for (const Hiding& hiding : hidden) {
    // A whiteout of what these layers do not have may be one of what is below them.
    if (hiding.cause == HideCause::kNothingDeleted) continue;
    // Such a directory is there as before.
    if (hiding.cause == HideCause::kDirectoryAgain) continue;
    const Inventory& inventory = *contents.inventories[hiding.hidden.layer];
    const Entry& entry = inventory.entries[hiding.hidden.entry];
    Bytes& bytes = bytes_at[inventory.path(entry)];
    bytes = CheckedAdd(bytes, contents.NewBytes(hiding.hidden.layer, entry));
  }
  std::vector<PathPart> paths;
  for (const auto& [path, bytes] : bytes_at) paths.push_back({std::string(path), bytes});
  SortLargestFirst(paths, &PathPart::path);
  if (paths.size() > max_paths) paths.resize(max_paths);
  return paths;
}

std::vector<EntryRun> EntriesOfLayer(const ContentAtoms& atoms, const LayerContents& contents,
                                     const GeneratedLayer& layer) {
  std::vector<EntryRef> refs;
  const auto add = [&](EntryRef ref) { refs.push_back(ref); };
  for (const AtomIndex a : layer.atoms) {
    for (const Unit& unit : atoms.files.units_of(a)) {
      for (const EntryRef name : atoms.files.names_of(unit)) add(name);
    }
  }
  for (const UnitIndex u : layer.directories) add(atoms.directories.units[u].contents);
  std::map<LayerIndex, std::vector<std::uint32_t>> by_layer;
  for (const EntryRef ref : refs) {
    by_layer[ref.layer].push_back(contents.EntryOf(ref).position);
  }
  std::vector<EntryRun> runs;
  for (auto& [from, positions] : by_layer) {
    std::ranges::sort(positions);
    const auto repeated = std::ranges::unique(positions);
    positions.erase(repeated.begin(), repeated.end());
    runs.push_back({from, std::move(positions)});
  }
  return runs;
}

}  // namespace gneiss
