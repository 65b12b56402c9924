#include "planner/contents/content_atoms.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "planner/contents/kept_images.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/layer_trie.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

// Attributes and contents of entries, wherever they are.
class EntryLikeness {
 public:
  EntryLikeness(const LayerContents& contents, bool ignore_mtime)
      : contents_(contents), ignore_mtime_(ignore_mtime) {}

  const LayerContents& contents() const { return contents_; }

  // Of all that AreEqual compares: a layer may hold any number of entries that differ in one thing.
  std::uint64_t Hash(EntryRef ref, std::span<const EntryRef> names) const {
    const Inventory& inventory = contents_.InventoryOf(ref);
    const Entry& entry = contents_.EntryOf(ref);
    KeyedHash hash;
    hash.Add(std::uint64_t{entry.mode} << 8 | static_cast<std::uint64_t>(entry.type))
        .Add(std::uint64_t{entry.uid} << 32 | entry.gid)
        .Add(static_cast<std::uint64_t>(entry.size));
    if (!ignore_mtime_) hash.Add(static_cast<std::uint64_t>(entry.mtime)).Add(entry.mtime_nsec);
    hash.Add(std::uint64_t{entry.device_major} << 32 | entry.device_minor);
    if (entry.content != kNone) hash.Add(DigestHash()(inventory.contents[entry.content]));
    hash.AddText(inventory.link(entry)).AddText(inventory.texts[entry.xattrs]);
    for (const EntryRef name : names) hash.Add(contents_.PathOf(name));
    return hash.Finish();
  }

  bool AreEqual(EntryRef a_ref, EntryRef b_ref) const {
    if (a_ref == b_ref) return true;
    const Inventory& a_from = contents_.InventoryOf(a_ref);
    const Inventory& b_from = contents_.InventoryOf(b_ref);
    const Entry& a = contents_.EntryOf(a_ref);
    const Entry& b = contents_.EntryOf(b_ref);
    const auto plain = [](const Entry& e) {
      return std::tie(e.type, e.mode, e.uid, e.gid, e.size, e.device_major, e.device_minor);
    };
    const auto time = [](const Entry& e) { return std::tie(e.mtime, e.mtime_nsec); };
    if (plain(a) != plain(b) || (!ignore_mtime_ && time(a) != time(b))) return false;
    if ((a.content == kNone) != (b.content == kNone)) return false;
    if (a.content != kNone && a_from.contents[a.content] != b_from.contents[b.content]) {
      return false;
    }
    return a_from.link(a) == b_from.link(b) && a_from.texts[a.xattrs] == b_from.texts[b.xattrs];
  }

 private:
  const LayerContents& contents_;
  bool ignore_mtime_;
};

// Distinct units with their lightest copies, by open addressing.
class UnitIndexer {
 public:
  explicit UnitIndexer(const EntryLikeness& entries) : entries_(entries) {}

  // The unit with these contents and these names, sorted by path.
  UnitIndex FindOrAdd(EntryRef contents, std::span<const EntryRef> names) {
    if (2 * (units_.size() + 1) > slots_.size()) Grow();
    const std::uint64_t hash = entries_.Hash(contents, names);
    const std::size_t mask = slots_.size() - 1;
    const Bytes bytes = Weigh(contents, names);
    std::size_t at = hash & mask;
    for (; slots_[at] != 0; at = (at + 1) & mask) {
      const UnitIndex u = slots_[at] - 1;
      if (hashes_[u] != static_cast<std::uint32_t>(hash) || !IsUnit(u, contents, names)) continue;
      // Ties: the lower layer.
      const bool is_guess = !entries_.contents().IsOfNewCodec(contents.layer);
      const bool was_guess = !entries_.contents().IsOfNewCodec(units_[u].contents.layer);
      if (std::tie(is_guess, bytes, contents) <
          std::tie(was_guess, units_[u].bytes, units_[u].contents)) {
        units_[u].bytes = bytes;
        units_[u].contents = contents;
        std::ranges::copy(names, names_.begin() + static_cast<std::int64_t>(units_[u].first_name));
      }
      return u;
    }
    if (units_.size() >= kNone - 1) throw std::length_error("too many distinct files");
    const auto made = static_cast<UnitIndex>(units_.size());
    slots_[at] = made + 1;
    hashes_.push_back(static_cast<std::uint32_t>(hash));
    units_.push_back({.contents = contents,
                      .bytes = bytes,
                      .first_name = names_.size(),
                      .num_names = static_cast<std::uint32_t>(names.size())});
    names_.insert(names_.end(), names.begin(), names.end());
    return made;
  }

  const std::vector<Unit>& units() const { return units_; }
  std::span<const EntryRef> names_of(const Unit& unit) const {
    return std::span(names_).subspan(unit.first_name, unit.num_names);
  }

 private:
  // The contents go with their own name or, where that is hidden, save the heaviest hard link.
  Bytes Weigh(EntryRef contents, std::span<const EntryRef> names) const {
    Bytes bytes = entries_.contents().NewBytesOf(contents);
    Bytes heaviest = 0;
    bool has_own = false;
    for (const EntryRef name : names) {
      if (name == contents) {
        has_own = true;
        continue;
      }
      const Bytes link = entries_.contents().NewBytesOf(name);
      bytes = CheckedAdd(bytes, link);
      heaviest = std::max(heaviest, link);
    }
    return has_own ? bytes : bytes - heaviest;
  }

  bool IsUnit(UnitIndex u, EntryRef contents, std::span<const EntryRef> names) const {
    const auto path = [&](EntryRef name) { return entries_.contents().PathOf(name); };
    return entries_.AreEqual(units_[u].contents, contents) &&
           std::ranges::equal(names_of(units_[u]), names, {}, path, path);
  }

  void Grow() {
    slots_.assign(std::max<std::size_t>(1024, 2 * slots_.size()), 0);
    const std::size_t mask = slots_.size() - 1;
    for (UnitIndex u = 0; u < units_.size(); ++u) {
      std::size_t at = entries_.Hash(units_[u].contents, names_of(units_[u])) & mask;
      while (slots_[at] != 0) at = (at + 1) & mask;
      slots_[at] = u + 1;
    }
  }

  const EntryLikeness& entries_;
  std::vector<Unit> units_;
  std::vector<std::uint32_t> hashes_;  // per unit, of what makes it
  std::vector<EntryRef> names_;
  std::vector<std::uint32_t> slots_;  // unit + 1, 0 for free; a power of two
};

// From a node of the trie on, the images below have a unit, or have it no more. An image has a unit
// or not, so both are one kind of event: of those that hold an image an odd number means it has it.
struct UnitChange {
  UnitIndex unit = 0;
  std::uint32_t first = 0;  // images below, by their order in the trie
  std::uint32_t end = 0;
};

// One walk over the trie: which unit stands at every path, and where that changes.
class UnitWalk {
 public:
  UnitWalk(const LayerContents& contents, const LayerTrie& trie, const EntryLikeness& entries)
      : contents_(contents),
        trie_(trie),
        entries_(entries),
        overlay_(contents.paths),
        units_(entries),
        unit_at_(contents.paths.size(), kNone),
        file_of_(contents.paths.size(), kNone) {
    first_.push_back(0);
    for (const auto& inventory : contents.inventories) {
      first_.push_back(first_.back() + (inventory ? inventory->entries.size() : 0));
    }
    unit_of_entry_.assign(first_.back(), kNone);
  }

  void Run() {
    struct Open {
      NodeIndex node;
      std::size_t num_undo;
      std::size_t num_file_undo;
    };
    std::vector<Open> open;
    std::vector<Hiding> hidden;
    for (NodeIndex v = 0; v < trie_.size(); ++v) {
      while (!open.empty() && v >= trie_.subtree_end[open.back().node]) {
        overlay_.Pop();
        for (; undo_.size() > open.back().num_undo; undo_.pop_back()) {
          unit_at_[undo_.back().first] = undo_.back().second;
        }
        for (; file_undo_.size() > open.back().num_file_undo; file_undo_.pop_back()) {
          const auto [path, before] = file_undo_.back();
          if (file_of_[path] != kNone) names_of_[file_of_[path]].pop_back();
          file_of_[path] = before;
        }
        open.pop_back();
      }
      open.push_back({v, undo_.size(), file_undo_.size()});
      const LayerIndex l = trie_.layer[v];
      hidden.clear();
      overlay_.Push(
          {.layer = l, .inventory = &*contents_.inventories[l], .paths = &contents_.layer_paths[l]},
          hidden);
      files_.clear();
      NoteLinks(l);
      overlay_.ForEachTouched([&](PathIndex path) {
        NoteFile(path);
        if (!HasSeveralNames(path)) Set(v, path, UnitAt(path));
      });
      // Any name that comes or goes makes another unit of the rest.
      std::ranges::sort(files_);
      files_.erase(std::ranges::unique(files_).begin(), files_.end());
      for (const std::uint32_t file : files_) {
        if (file != kNone) SetNames(v, file);
      }
    }
  }

  const std::vector<UnitChange>& changes() const { return changes_; }
  const UnitIndexer& units() const { return units_; }

 private:
  // Every name of a file with several is the path of a hard link of the chain, or the target of
  // one.
  void NoteLinks(LayerIndex l) {
    const LayerPaths& paths = contents_.layer_paths[l];
    for (std::uint32_t e = 0; e < paths.link.size(); ++e) {
      if (paths.link[e] == kNone) continue;
      NoteFile(paths.path[e]);
      NoteFile(paths.link[e]);
    }
  }

  // That the file of several names that a path is one of, or was, may have others now.
  void NoteFile(PathIndex path) {
    const std::uint32_t file = HasSeveralNames(path) ? overlay_.ContentsAt(path) : kNone;
    const std::uint32_t before = file_of_[path];
    files_.push_back(file);
    if (file == before) return;
    files_.push_back(before);
    file_undo_.emplace_back(path, before);
    file_of_[path] = file;
    if (file == kNone) return;
    if (names_of_.size() <= file) names_of_.resize(file + std::size_t{1});
    names_of_[file].push_back(path);
  }

  // Links to nothing are no names of one file.
  bool HasSeveralNames(PathIndex path) const {
    const std::uint32_t file = overlay_.ContentsAt(path);
    return file != kNone && overlay_.NumNames(file) > 1 && overlay_.HolderOf(file) != EntryRef{};
  }

  // REQUIRES: !HasSeveralNames(path).
  UnitIndex UnitAt(PathIndex path) {
    EntryRef entry = overlay_.At(path);
    if (entry.layer == kNone) return kNone;
    if (contents_.EntryOf(entry).implied) {
      const EntryRef before = overlay_.ListedBefore(path);
      if (before.layer != kNone) entry = before;
    }
    const std::uint32_t file = overlay_.ContentsAt(path);
    const EntryRef holder = file == kNone ? entry : overlay_.HolderOf(file);
    if (holder != entry && holder != EntryRef{}) return units_.FindOrAdd(holder, {&entry, 1});
    UnitIndex& unit = unit_of_entry_[first_[entry.layer] + entry.entry];
    if (unit == kNone) unit = units_.FindOrAdd(entry, {&entry, 1});
    return unit;
  }

  // The unit of a file with several names stands at the first; one that has only one left has its
  // own.
  void SetNames(NodeIndex v, std::uint32_t file) {
    names_.clear();
    for (const PathIndex path : names_of_[file]) {
      if (overlay_.ContentsAt(path) == file) names_.push_back(path);
    }
    std::ranges::sort(names_);
    names_.erase(std::ranges::unique(names_).begin(), names_.end());
    if (names_.empty()) return;
    if (!HasSeveralNames(names_.front())) {
      for (const PathIndex path : names_) Set(v, path, UnitAt(path));
      return;
    }
    entries_of_file_.clear();
    for (const PathIndex path : names_) entries_of_file_.push_back(overlay_.At(path));
    for (const PathIndex path : std::span(names_).subspan(1)) Set(v, path, kNone);
    Set(v, names_.front(), units_.FindOrAdd(overlay_.HolderOf(file), entries_of_file_));
  }

  void Set(NodeIndex v, PathIndex path, UnitIndex unit) {
    const UnitIndex before = unit_at_[path];
    if (before == unit) return;
    for (const UnitIndex changed : {before, unit}) {
      if (changed == kNone) continue;
      changes_.push_back({changed, trie_.first_image[v], trie_.end_image[v]});
    }
    undo_.emplace_back(path, before);
    unit_at_[path] = unit;
  }

  const LayerContents& contents_;
  const LayerTrie& trie_;
  const EntryLikeness& entries_;
  Overlay overlay_;
  UnitIndexer units_;
  std::vector<std::uint64_t> first_;      // per layer: into unit_of_entry_
  std::vector<UnitIndex> unit_of_entry_;  // as a file of one name; kNone: not seen yet
  std::vector<UnitIndex> unit_at_;        // per path
  std::vector<std::pair<PathIndex, UnitIndex>> undo_;
  // Per path: the file of several names, as the overlay numbers it, that it was one of when last a
  // layer touched it; of each such file all these paths, some more than once.
  std::vector<std::uint32_t> file_of_;
  std::vector<std::vector<PathIndex>> names_of_;
  std::vector<std::pair<PathIndex, std::uint32_t>> file_undo_;
  std::vector<UnitChange> changes_;
  std::vector<std::uint32_t> files_;  // that the layer at hand may have given other names
  std::vector<PathIndex> names_;
  std::vector<EntryRef> entries_of_file_;
};

// Groups units by their images.
class AtomMaker {
 public:
  AtomMaker(const UnitWalk& walk, const LayerTrie& trie, const EntryLikeness& entries,
            std::size_t num_images)
      : units_(walk.units()), trie_(trie), entries_(entries), num_images_(num_images) {
    const std::vector<UnitChange>& changes = walk.changes();
    first_.assign(units_.units().size() + 1, 0);
    for (const UnitChange& change : changes) first_[change.unit + 1] += 2;
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    borders_.resize(2 * changes.size());
    std::vector<std::uint64_t> next(first_.begin(), first_.end() - 1);
    for (const UnitChange& change : changes) {
      borders_[next[change.unit]++] = change.first;
      borders_[next[change.unit]++] = change.end;
    }
    // Where an even number of changes meets, nothing begins or ends; what is left says in pairs
    // from where to where the unit is held, the same for all units that the same images hold.
    num_borders_.resize(units_.units().size());
    for (UnitIndex u = 0; u < num_borders_.size(); ++u) {
      const auto mine = std::span(borders_).subspan(first_[u], first_[u + 1] - first_[u]);
      std::ranges::sort(mine);
      std::uint32_t kept = 0;
      for (const std::uint32_t border : mine) {
        if (kept > 0 && mine[kept - 1] == border) {
          --kept;
        } else {
          mine[kept++] = border;
        }
      }
      num_borders_[u] = kept;
    }
  }

  UnitTable Make(bool directories) const {
    std::vector<UnitIndex> order;
    for (UnitIndex u = 0; u < num_borders_.size(); ++u) {
      const bool is_directory =
          entries_.contents().EntryOf(units_.units()[u].contents).type == EntryType::kDirectory;
      if (num_borders_[u] > 0 && is_directory == directories) order.push_back(u);
    }
    std::ranges::sort(order, [&](UnitIndex a, UnitIndex b) {
      const int order_of_images = Compare(BordersOf(a), BordersOf(b));
      return order_of_images != 0 ? order_of_images < 0 : PathOf(a) < PathOf(b);
    });
    // Groups of equal borders, sorted by the images they stand for.
    struct Group {
      std::vector<std::uint32_t> images;
      std::size_t first = 0;
      std::size_t end = 0;
    };
    std::vector<Group> groups;
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i == 0 || Compare(BordersOf(order[i - 1]), BordersOf(order[i])) != 0) {
        groups.push_back({.images = ImagesOf(order[i]), .first = i, .end = i});
      }
      ++groups.back().end;
    }
    std::ranges::sort(groups, {}, &Group::images);

    UnitTable table;
    table.atoms.num_images = static_cast<std::uint32_t>(num_images_);
    table.atoms.first_image.push_back(0);
    table.first_unit.push_back(0);
    table.units.reserve(order.size());
    for (const Group& group : groups) {
      Bytes bytes = 0;
      for (std::size_t i = group.first; i < group.end; ++i) {
        Unit unit = units_.units()[order[i]];
        bytes = CheckedAdd(bytes, unit.bytes);
        const auto names = units_.names_of(unit);
        unit.first_name = table.names.size();
        table.names.insert(table.names.end(), names.begin(), names.end());
        table.units.push_back(unit);
      }
      table.first_unit.push_back(static_cast<UnitIndex>(table.units.size()));
      table.atoms.bytes.push_back(std::max<Bytes>(1, bytes));
      table.atoms.images.insert(table.atoms.images.end(), group.images.begin(), group.images.end());
      table.atoms.first_image.push_back(table.atoms.images.size());
    }
    return table;
  }

 private:
  std::span<const std::uint32_t> BordersOf(UnitIndex u) const {
    return std::span(borders_).subspan(first_[u], num_borders_[u]);
  }
  PathIndex PathOf(UnitIndex u) const {
    return entries_.contents().PathOf(units_.names_of(units_.units()[u]).front());
  }
  static int Compare(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b) {
    const auto [at, bt] = std::ranges::mismatch(a, b);
    if (at == a.end() || bt == b.end()) return (bt == b.end() ? 1 : 0) - (at == a.end() ? 1 : 0);
    return *at < *bt ? -1 : 1;
  }
  std::vector<std::uint32_t> ImagesOf(UnitIndex u) const {
    const auto borders = BordersOf(u);
    std::vector<std::uint32_t> images;
    for (std::size_t b = 0; b < borders.size(); b += 2) {
      images.insert(images.end(), trie_.chain_order.begin() + borders[b],
                    trie_.chain_order.begin() + borders[b + 1]);
    }
    std::ranges::sort(images);
    return images;
  }

  const UnitIndexer& units_;
  const LayerTrie& trie_;
  const EntryLikeness& entries_;
  std::size_t num_images_;
  std::vector<std::uint64_t> first_;  // per unit, and one past the end: into borders_
  std::vector<std::uint32_t> borders_;
  std::vector<std::uint32_t> num_borders_;  // per unit: those that are left
};

}  // namespace

ContentAtoms FindContentAtoms(const Fleet& fleet, const LayerContents& contents,
                              const ContentAtomOptions& options) {
  ContentAtoms atoms;
  atoms.known.assign(fleet.images.size(), 0);
  std::int64_t num_with_layers = 0;
  const std::vector<std::uint8_t> standalone = FindStandaloneLayers(fleet, &contents);
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    if (!options.left_out.empty() && options.left_out[i] != 0) continue;
    const bool known = std::ranges::all_of(fleet.chain(fleet.images[i]), [&](LayerIndex l) {
      return contents.inventories[l].has_value() && standalone[l] == 0;
    });
    atoms.known[i] = known ? 1 : 0;
    atoms.num_known += atoms.known[i];
    num_with_layers += known && fleet.images[i].num_layers > 0 ? 1 : 0;
  }
  // An image without layers is known by itself; alone it tells of no contents.
  if (num_with_layers == 0) {
    atoms.known.assign(fleet.images.size(), 0);
    atoms.num_known = 0;
  }
  const LayerTrie trie = BuildLayerTrie(fleet, [&](ImageIndex i) { return atoms.known[i] != 0; });
  const EntryLikeness entries(contents, options.ignore_mtime);
  UnitWalk walk(contents, trie, entries);
  walk.Run();
  const AtomMaker maker(walk, trie, entries, fleet.images.size());
  atoms.files = maker.Make(/*directories=*/false);
  atoms.directories = maker.Make(/*directories=*/true);
  return atoms;
}

Bytes AncestorBytes(const ContentAtoms& atoms, const LayerContents& contents,
                    std::span<const UnitIndex> units) {
  const auto path_of = [&](EntryRef ref) {
    return contents.layer_paths[ref.layer].path[ref.entry];
  };
  std::vector<std::uint8_t> is_above(contents.paths.size(), 0);
  for (const UnitIndex u : units) {
    for (const EntryRef name : atoms.files.names_of(atoms.files.units[u])) {
      PathIndex path = path_of(name);
      while (path != kRootPath && is_above[contents.paths.parent(path)] == 0) {
        path = contents.paths.parent(path);
        is_above[path] = 1;
      }
    }
  }
  std::vector<std::pair<PathIndex, Bytes>> lightest;
  for (const Unit& unit : atoms.directories.units) {
    const PathIndex path = path_of(unit.contents);
    if (is_above[path] != 0) lightest.emplace_back(path, unit.bytes);
  }
  std::ranges::sort(lightest);
  Bytes bytes = 0;
  for (std::size_t i = 0; i < lightest.size(); ++i) {
    const bool is_lightest = i == 0 || lightest[i - 1].first != lightest[i].first;
    if (is_lightest) bytes = CheckedAdd(bytes, lightest[i].second);
  }
  return bytes;
}

std::int64_t FileLevelBound(const AtomTable& atoms, SetRates& rates) {
  // More than the rounding of a rate and a product, and of as many additions as there are atoms.
  constexpr double kRelativeTolerance = 1e-9;
  std::int64_t bound = 0;
  double rest = 0;
  for (AtomIndex a = 0; a < atoms.size(); ++a) {
    const double rate = rates.Of(atoms.signature(a));
    if (rate == std::floor(rate)) {
      bound = CheckedAdd(bound, CheckedMultiply(atoms.bytes[a], static_cast<std::int64_t>(rate)));
    } else {
      rest += static_cast<double>(atoms.bytes[a]) * rate;
    }
  }
  return CheckedAdd(bound, static_cast<std::int64_t>(rest * (1 - kRelativeTolerance)));
}

}  // namespace gneiss
