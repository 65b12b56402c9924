#include "planner/carve/generated_audit.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

constexpr std::uint32_t kRootRank = 0;
constexpr std::uint64_t kNoFile = std::numeric_limits<std::uint64_t>::max();

// All paths of a fleet's entries and the directories above them, numbered so that all that is below
// a directory comes next: by component, in the order of bytes.
class PathRanks {
 public:
  explicit PathRanks(const LayerContents& contents)
      : of_layer_(contents.inventories.size()), names_(1), parents_(1, kNone) {
    for (LayerIndex l = 0; l < of_layer_.size(); ++l) {
      if (!contents.inventories[l]) continue;
      const Inventory& inventory = *contents.inventories[l];
      of_layer_[l].reserve(inventory.entries.size());
      way_.clear();
      way_path_ = {};
      for (const Entry& entry : inventory.entries) {
        of_layer_[l].push_back(Number(inventory.path(entry)));
      }
    }
    Rank();
  }

  std::size_t size() const { return names_.size(); }
  std::string path(std::uint32_t rank) const {
    std::vector<std::string_view> names;
    for (; rank != kRootRank; rank = parents_[rank]) names.push_back(names_[rank]);
    return fmt::format("{}", fmt::join(names.rbegin(), names.rend(), "/"));
  }
  // REQUIRES: not the root, which is rank 0.
  std::uint32_t parent(std::uint32_t rank) const { return parents_[rank]; }
  // The first of those below, and one past the last.
  std::pair<std::uint32_t, std::uint32_t> below(std::uint32_t rank) const {
    return {rank + 1, end_[rank]};
  }
  std::uint32_t of(LayerIndex layer, const Entry& entry, const Inventory& inventory) const {
    return of_layer_[layer][static_cast<std::size_t>(&entry - inventory.entries.data())];
  }
  // kNone when no entry has the path.
  std::uint32_t Find(std::string_view path) const {
    std::uint32_t number = 0;
    for (std::size_t from = 0; from < path.size();) {
      const std::size_t slash = std::min(path.find('/', from), path.size());
      const auto found = numbers_.find({number, path.substr(from, slash - from)});
      if (found == numbers_.end()) return kNone;
      number = found->second;
      from = slash + 1;
    }
    return rank_of_[number];
  }

 private:
  struct Child {
    std::uint32_t parent = 0;
    std::string_view name;

    friend bool operator==(const Child&, const Child&) = default;
  };
  struct ChildHash {
    std::size_t operator()(const Child& child) const {
      return KeyedHash().Add(child.parent).AddText(child.name).Finish();
    }
  };
  struct Above {
    std::size_t end = 0;  // of its path, with which the one at hand begins
    std::uint32_t number = 0;
  };

  // Of what the path before begins with as well, nothing is looked up again: a layer's paths are
  // sorted, and may be deep.
  std::uint32_t Number(std::string_view path) {
    const auto same =
        static_cast<std::size_t>(std::ranges::mismatch(way_path_, path).in2 - path.begin());
    while (!way_.empty() && (way_.back().end > same ||
                             (way_.back().end < path.size() && path[way_.back().end] != '/'))) {
      way_.pop_back();
    }
    way_path_ = path;
    for (std::size_t from = way_.empty() ? 0 : way_.back().end + 1; from < path.size();) {
      const std::size_t slash = std::min(path.find('/', from), path.size());
      const std::uint32_t parent = way_.empty() ? 0 : way_.back().number;
      const std::string_view name = path.substr(from, slash - from);
      const auto next = static_cast<std::uint32_t>(names_.size());
      const auto [found, is_new] = numbers_.try_emplace({parent, name}, next);
      if (is_new) {
        names_.push_back(name);
        parents_.push_back(parent);
      }
      way_.push_back({slash, found->second});
      from = slash + 1;
    }
    return way_.empty() ? 0 : way_.back().number;
  }

  void Rank() {
    const std::size_t n = names_.size();
    // A directory has a lower number than what is below it.
    std::vector<std::uint32_t> num_there(n, 1);  // below a path, and itself
    for (std::size_t i = n; i-- > 1;) num_there[parents_[i]] += num_there[i];
    std::vector<std::uint32_t> order(n - 1);  // by directory
    std::iota(order.begin(), order.end(), 1U);
    std::ranges::sort(order, {},
                      [&](std::uint32_t i) { return std::pair(parents_[i], names_[i]); });
    rank_of_.assign(n, kRootRank);
    std::vector<std::uint32_t> next(n, kRootRank + 1);  // of a directory's children
    for (const std::uint32_t i : order) {
      rank_of_[i] = next[parents_[i]];
      next[parents_[i]] += num_there[i];
      next[i] = rank_of_[i] + 1;
    }
    const auto names = std::exchange(names_, std::vector<std::string_view>(n));
    const auto parents = std::exchange(parents_, std::vector<std::uint32_t>(n, kNone));
    end_.assign(n, static_cast<std::uint32_t>(n));
    for (std::uint32_t i = 1; i < n; ++i) {
      const std::uint32_t rank = rank_of_[i];
      names_[rank] = names[i];
      parents_[rank] = rank_of_[parents[i]];
      end_[rank] = rank + num_there[i];
    }
    for (std::vector<std::uint32_t>& layer : of_layer_) {
      for (std::uint32_t& number : layer) number = rank_of_[number];
    }
  }

  // Numbers come in the order in which paths are seen; once all have one, ranks take their place
  // everywhere but in numbers_.
  std::vector<std::vector<std::uint32_t>> of_layer_;  // by entry
  std::vector<std::string_view> names_;               // last components
  std::vector<std::uint32_t> parents_;
  std::vector<std::uint32_t> end_;  // one past those below
  std::vector<std::uint32_t> rank_of_;
  std::unordered_map<Child, std::uint32_t, ChildHash> numbers_;
  std::vector<Above> way_;  // to the path that was numbered last
  std::string_view way_path_;
};

// What a path shows: the entry that says how, and a number that all names of one file have.
struct Shown {
  const Inventory* inventory = nullptr;
  const Entry* entry = nullptr;
  std::uint64_t file = 0;  // of directories
};

// A set of ranks as bits. A bit of a level says whether the word of that number one level below has
// any, so that the next rank is found in a step a level, whatever lies between.
class RankSet {
 public:
  explicit RankSet(std::size_t num_ranks) {
    do {
      num_ranks = num_ranks / kBits + 1;
      levels_.emplace_back(num_ranks, 0);
    } while (num_ranks > 1);
  }

  void Insert(std::uint32_t rank) {
    for (std::vector<std::uint64_t>& level : levels_) {
      level[rank / kBits] |= std::uint64_t{1} << (rank % kBits);
      rank /= kBits;
    }
  }
  void Erase(std::uint32_t rank) {
    for (std::vector<std::uint64_t>& level : levels_) {
      level[rank / kBits] &= ~(std::uint64_t{1} << (rank % kBits));
      if (level[rank / kBits] != 0) return;
      rank /= kBits;
    }
  }
  // The least that is `rank` or more; kNone when there is none.
  std::uint32_t Next(std::uint32_t rank) const {
    for (std::size_t l = 0; l < levels_.size() && rank / kBits < levels_[l].size(); ++l) {
      const std::uint64_t from_here = levels_[l][rank / kBits] >> (rank % kBits);
      if (from_here == 0) {
        rank = rank / kBits + 1;
        continue;
      }
      rank += static_cast<std::uint32_t>(std::countr_zero(from_here));
      while (l-- > 0) {
        rank = rank * kBits + static_cast<std::uint32_t>(std::countr_zero(levels_[l][rank]));
      }
      return rank;
    }
    return kNone;
  }

 private:
  static constexpr std::uint32_t kBits = 64;

  std::vector<std::vector<std::uint64_t>> levels_;
};

// What each path shows, by rank.
class FileTree {
 public:
  explicit FileTree(std::size_t num_paths) : shown_(num_paths), present_(num_paths) {}

  void Clear() { EraseBelow({0, static_cast<std::uint32_t>(shown_.size())}); }
  // Null when the path is not there.
  const Shown* Find(std::uint32_t rank) const {
    return rank == kNone || shown_[rank].entry == nullptr ? nullptr : &shown_[rank];
  }
  void Put(std::uint32_t rank, const Shown& shown) {
    if (shown_[rank].entry == nullptr) present_.Insert(rank);
    shown_[rank] = shown;
  }
  void Erase(std::uint32_t rank) {
    present_.Erase(rank);
    shown_[rank] = {};
  }
  // Time that of what is there.
  void EraseBelow(std::pair<std::uint32_t, std::uint32_t> below) {
    for (std::uint32_t rank = present_.Next(below.first); rank < below.second;
         rank = present_.Next(rank + 1)) {
      Erase(rank);
    }
  }
  // In the order of bytes.
  std::vector<std::uint32_t> Paths() const {
    std::vector<std::uint32_t> paths;
    for (std::uint32_t rank = present_.Next(0); rank != kNone; rank = present_.Next(rank + 1)) {
      paths.push_back(rank);
    }
    return paths;
  }

 private:
  std::vector<Shown> shown_;
  RankSet present_;
};

// Not a directory, nor a hard link to nothing, which is nothing to others as well.
bool IsFile(const Shown& shown) {
  return shown.entry->type != EntryType::kDirectory && shown.entry->type != EntryType::kHardLink;
}

// Applies layers as a runtime does that unpacks each by itself and puts it over the others.
class LayerApplier {
 public:
  LayerApplier(const LayerContents& contents, const PathRanks& ranks)
      : contents_(contents),
        ranks_(ranks),
        last_(ranks.size(), kNone),
        file_(ranks.size(), 0),
        listed_(ranks.size()) {}

  // Before the layers of another image.
  void Clear() { listed_.Clear(); }

  void Apply(LayerIndex layer, FileTree& tree, std::uint64_t& num_files) {
    const Inventory& inventory = *contents_.inventories[layer];
    const LayerPaths& paths = contents_.layer_paths[layer];
    lasting_.clear();
    FindLasting(layer, inventory, paths);
    DeleteMarked(layer, inventory, tree);
    // What links name of layers below is looked up before anything takes its place.
    const std::size_t n = inventory.entries.size();
    file_of_.assign(n, {});
    for (const std::uint32_t e : lasting_) {
      const Entry& entry = inventory.entries[e];
      if (entry.type == EntryType::kDirectory || IsMarkerEntry(entry.type)) continue;
      const std::uint32_t owner = paths.owner[e];
      if (owner != kNone && file_of_[owner].entry != nullptr && IsFile(file_of_[owner])) {
        file_of_[e] = file_of_[owner];
        continue;
      }
      Shown shown{.inventory = &inventory, .entry = &entry};
      if (owner != kNone && inventory.entries[owner].type != EntryType::kHardLink) {
        shown.entry = &inventory.entries[owner];
        shown.file = ++num_files;
        file_of_[owner] = shown;
      } else {
        const Shown* const target =
            owner == kNone ? nullptr
                           : tree.Find(ranks_.Find(inventory.link(inventory.entries[owner])));
        // A link to nothing is a file of its own.
        if (target != nullptr && IsFile(*target)) shown = *target;
        if (shown.entry == &entry) shown.file = ++num_files;
      }
      file_of_[e] = shown;
    }
    for (const std::uint32_t e : lasting_) {
      const Entry& entry = inventory.entries[e];
      if (IsMarkerEntry(entry.type)) continue;
      const std::uint32_t rank = ranks_.of(layer, entry, inventory);
      const Shown* const before = tree.Find(rank);
      const bool was_directory = before != nullptr && before->entry->type == EntryType::kDirectory;
      const Shown directory{.inventory = &inventory, .entry = &entry};
      if (entry.type != EntryType::kDirectory) {
        if (was_directory) tree.EraseBelow(ranks_.below(rank));
        tree.Put(rank, file_of_[e]);
        listed_.Erase(rank);
      } else if (!entry.implied) {
        tree.Put(rank, directory);
        listed_.Put(rank, directory);
      } else if (!was_directory) {
        const Shown* const copied = listed_.Find(rank);
        tree.Put(rank, copied != nullptr ? *copied : directory);
      }
    }
  }

 private:
  // Of each path the last entry, unless something above it has come later that is no directory.
  void FindLasting(LayerIndex layer, const Inventory& inventory, const LayerPaths& paths) {
    for (const std::uint32_t e : paths.in_tar) {
      const Entry& entry = inventory.entries[e];
      if (IsMarkerName(entry.type)) continue;
      const std::uint32_t rank = ranks_.of(layer, entry, inventory);
      last_[rank] = e;
      if (entry.type != EntryType::kDirectory) file_[rank] = entry.position + 1;
    }
    for (std::uint32_t e = 0; e < inventory.entries.size(); ++e) {
      const Entry& entry = inventory.entries[e];
      std::uint32_t rank = ranks_.of(layer, entry, inventory);
      bool lasts = IsMarkerName(entry.type) || last_[rank] == e;
      if (entry.type == EntryType::kOpaque) lasts = file_[rank] <= entry.position;
      while (lasts && rank != kRootRank) {
        rank = ranks_.parent(rank);
        lasts = file_[rank] <= entry.position;
      }
      if (lasts) lasting_.push_back(e);
    }
    for (const Entry& entry : inventory.entries) {
      const std::uint32_t rank = ranks_.of(layer, entry, inventory);
      last_[rank] = kNone;
      file_[rank] = 0;
    }
  }

  void DeleteMarked(LayerIndex layer, const Inventory& inventory, FileTree& tree) {
    for (const std::uint32_t e : lasting_) {
      const Entry& entry = inventory.entries[e];
      const std::uint32_t rank = ranks_.of(layer, entry, inventory);
      if (!IsMarkerEntry(entry.type) || rank == kRootRank) continue;
      if (IsWhiteout(entry.type)) {
        tree.Erase(rank);
        listed_.Erase(rank);
      }
      tree.EraseBelow(ranks_.below(rank));
    }
  }

  const LayerContents& contents_;
  const PathRanks& ranks_;
  // By rank, of the layer at hand: its last entry, and where its last file stands, from 1.
  std::vector<std::uint32_t> last_;
  std::vector<std::uint32_t> file_;
  std::vector<std::uint32_t> lasting_;
  std::vector<Shown> file_of_;  // by entry
  // The last directory that a layer has listed, hidden or not: one that is only implied copies it.
  FileTree listed_;
};

bool LooksTheSame(const Shown& a, const Shown& b, bool ignore_mtime) {
  const auto plain = [](const Entry& e) {
    return std::tie(e.type, e.mode, e.uid, e.gid, e.size, e.device_major, e.device_minor);
  };
  if (plain(*a.entry) != plain(*b.entry)) return false;
  if (!ignore_mtime && std::tie(a.entry->mtime, a.entry->mtime_nsec) !=
                           std::tie(b.entry->mtime, b.entry->mtime_nsec)) {
    return false;
  }
  const auto content = [](const Shown& s) {
    return s.entry->content == kNone ? Digest{} : s.inventory->contents[s.entry->content];
  };
  return content(a) == content(b) && a.inventory->link(*a.entry) == b.inventory->link(*b.entry) &&
         a.inventory->texts[a.entry->xattrs] == b.inventory->texts[b.entry->xattrs];
}

class GeneratedAudit {
 public:
  GeneratedAudit(const Fleet& fleet, const LayerContents& contents, const ContentAtoms& atoms,
                 const GeneratedLayout& layout, bool ignore_mtime)
      : fleet_(fleet),
        contents_(contents),
        atoms_(atoms),
        layout_(layout),
        ignore_mtime_(ignore_mtime),
        ranks_(contents),
        applier_(contents, ranks_),
        expected_(ranks_.size()),
        found_(ranks_.size()) {}

  void CheckImage(ImageIndex i, const std::vector<std::uint32_t>& layers) {
    expected_.Clear();
    found_.Clear();
    applier_.Clear();
    std::uint64_t num_files = 0;
    for (const LayerIndex l : fleet_.chain(fleet_.images[i])) {
      applier_.Apply(l, expected_, num_files);
    }
    for (const std::uint32_t j : layers) Apply(i, layout_.layers[j], num_files);
    const std::vector<std::uint32_t> found = found_.Paths();
    std::vector<std::uint64_t> partners(num_files + 1, kNoFile);  // of files of either tree
    partners[0] = 0;
    auto at = found.begin();
    for (const std::uint32_t rank : expected_.Paths()) {
      if (at == found.end() || *at != rank) Fail(i, rank, "it would be lost or another");
      const Shown& was = *expected_.Find(rank);
      const Shown& is = *found_.Find(rank);
      if (!LooksTheSame(was, is, ignore_mtime_)) Fail(i, rank, "it would change");
      if (partners[was.file] == kNoFile && partners[is.file] == kNoFile) {
        partners[was.file] = is.file;
        partners[is.file] = was.file;
      }
      if (partners[was.file] != is.file || partners[is.file] != was.file) {
        Fail(i, rank, "its hard links would change");
      }
      ++at;
    }
    if (at != found.end()) Fail(i, *at, "it would be new");
  }

  void CheckSize(const GeneratedLayer& layer) const {
    Bytes files = 0;
    for (const AtomIndex a : layer.atoms) {
      for (const Unit& unit : atoms_.files.units_of(a)) files = CheckedAdd(files, Weigh(unit));
    }
    Bytes directories = 0;
    for (const UnitIndex u : layer.directories) {
      directories = CheckedAdd(directories, WeightOf(atoms_.directories.units[u].contents));
    }
    RequireEqual("the files of a generated layer", layer.file_bytes, files);
    RequireEqual("the directories of a generated layer", layer.directory_bytes, directories);
  }

 private:
  Shown At(EntryRef ref) const {
    const Inventory& inventory = *contents_.inventories[ref.layer];
    return {.inventory = &inventory, .entry = &inventory.entries[ref.entry]};
  }

  Bytes WeightOf(EntryRef ref) const { return contents_.NewBytes(ref.layer, *At(ref).entry); }

  // One entry has the contents, every further name is a hard link.
  Bytes Weigh(const Unit& unit) const {
    Bytes bytes = WeightOf(unit.contents);
    std::vector<Bytes> links;
    for (const EntryRef name : atoms_.files.names_of(unit)) {
      if (name != unit.contents) links.push_back(WeightOf(name));
    }
    std::ranges::sort(links);
    if (links.size() == unit.num_names) links.pop_back();
    for (const Bytes link : links) bytes = CheckedAdd(bytes, link);
    return bytes;
  }

  std::uint32_t RankOf(EntryRef ref) const {
    const Inventory& inventory = *contents_.inventories[ref.layer];
    return ranks_.of(ref.layer, inventory.entries[ref.entry], inventory);
  }

  void Apply(ImageIndex i, const GeneratedLayer& layer, std::uint64_t& num_files) {
    for (const UnitIndex u : layer.directories) {
      const EntryRef ref = atoms_.directories.units[u].contents;
      found_.Put(RankOf(ref), At(ref));
    }
    for (const AtomIndex a : layer.atoms) {
      for (const Unit& unit : atoms_.files.units_of(a)) {
        Shown shown = At(unit.contents);
        shown.file = ++num_files;
        for (const EntryRef name : atoms_.files.names_of(unit)) {
          const std::uint32_t rank = RankOf(name);
          if (found_.Find(rank) != nullptr) Fail(i, rank, "it would come twice");
          found_.Put(rank, shown);
        }
      }
    }
  }

  [[noreturn]] void Fail(ImageIndex i, std::uint32_t rank, std::string_view how) const {
    throw AuditError(fmt::format("the audit disagrees about \"{}\" in {}: {}", ranks_.path(rank),
                                 fleet_.name(fleet_.images[i]), how));
  }

  const Fleet& fleet_;
  const LayerContents& contents_;
  const ContentAtoms& atoms_;
  const GeneratedLayout& layout_;
  bool ignore_mtime_;
  PathRanks ranks_;
  LayerApplier applier_;
  FileTree expected_;  // of the image that is being checked
  FileTree found_;
};

}  // namespace

void AuditGeneratedLayout(const Fleet& fleet, const LayerContents& contents,
                          const ContentAtoms& atoms, const GeneratedLayout& layout,
                          std::uint32_t max_layers, bool ignore_mtime) {
  GeneratedAudit audit(fleet, contents, atoms, layout, ignore_mtime);
  for (const GeneratedLayer& layer : layout.layers) audit.CheckSize(layer);
  const auto of_image = layout.LayersOfImages(fleet.images.size());
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    if (atoms.known[i] == 0) continue;
    audit.CheckImage(i, of_image[i]);
    if (of_image[i].size() > max_layers) {
      throw AuditError(fmt::format("the audit disagrees about the layers of {}: {} of at most {}",
                                   fleet.name(fleet.images[i]), of_image[i].size(), max_layers));
    }
  }
}

}  // namespace gneiss
