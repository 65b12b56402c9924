#include "planner/generated_audit.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include <fmt/format.h>

#include "planner/path_key.h"

namespace gneiss {
namespace {

// What a path shows: the entry that says how, and a number that all names of one file have.
struct Shown {
  const Inventory* inventory = nullptr;
  const Entry* entry = nullptr;
  std::uint64_t file = 0;
};
// In the order of bytes, in which all that is below a directory stands together.
using FileTree = std::map<std::string_view, Shown>;

bool IsMarkerType(EntryType type) {
  return type == EntryType::kWhiteout || type == EntryType::kOpaque;
}

// Not a directory, nor a hard link to nothing, which is nothing to others as well.
bool IsFile(const Shown& shown) {
  return shown.entry->type != EntryType::kDirectory && shown.entry->type != EntryType::kHardLink;
}

void EraseBelow(FileTree& tree, std::string_view path) {
  const std::string prefix = path.empty() ? std::string() : std::string(path) + '/';
  auto at = tree.lower_bound(prefix);
  if (path.empty() && at != tree.end() && at->first.empty()) ++at;  // the root itself
  while (at != tree.end() && at->first.starts_with(prefix)) at = tree.erase(at);
}

// Applies a layer as a runtime does: deletions first, then entries in the tar's order.
void ApplyLayer(const Inventory& inventory, FileTree& tree, std::uint64_t& num_files) {
  std::vector<const Entry*> in_tar(inventory.entries.size());
  for (const Entry& entry : inventory.entries) in_tar[entry.position] = &entry;
  for (const Entry* const entry : in_tar) {
    if (!IsMarkerType(entry->type)) continue;
    const std::string_view path = inventory.path(*entry);
    if (path.empty()) {
      for (auto at = tree.begin(); at != tree.end();) {
        at = at->first.empty() ? std::next(at) : tree.erase(at);
      }
      continue;
    }
    EraseBelow(tree, path);
    if (entry->type == EntryType::kWhiteout) tree.erase(path);
  }
  for (const Entry* const entry : in_tar) {
    if (IsMarkerType(entry->type)) continue;
    const std::string_view path = inventory.path(*entry);
    for (std::string_view up = path; !up.empty();) {
      up = ParentPath(up);
      const auto above = tree.find(up);
      if (above == tree.end() || above->second.entry->type == EntryType::kDirectory) continue;
      tree.erase(above);
    }
    Shown shown{.inventory = &inventory, .entry = entry};
    if (entry->type == EntryType::kHardLink) {
      const auto target = tree.find(inventory.link(*entry));
      if (target != tree.end() && IsFile(target->second)) {
        shown = target->second;
      } else {
        shown.file = ++num_files;
      }
    } else if (entry->type != EntryType::kDirectory) {
      shown.file = ++num_files;
    }
    if (entry->type != EntryType::kDirectory) EraseBelow(tree, path);
    tree[path] = shown;
  }
}

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
        ignore_mtime_(ignore_mtime) {}

  void CheckImage(ImageIndex i, const std::vector<std::uint32_t>& layers) const {
    FileTree expected;
    std::uint64_t num_files = 0;
    for (const LayerIndex l : fleet_.chain(fleet_.images[i])) {
      ApplyLayer(*contents_.inventories[l], expected, num_files);
    }
    FileTree found;
    for (const std::uint32_t j : layers) Apply(i, layout_.layers[j], found, num_files);
    std::unordered_map<std::uint64_t, std::uint64_t> same;  // files of `found` by those of today
    std::unordered_map<std::uint64_t, std::uint64_t> back;
    auto is = found.begin();
    for (const auto& [path, was] : expected) {
      if (is == found.end() || is->first != path) Fail(i, path, "it would be lost or another");
      if (!LooksTheSame(was, is->second, ignore_mtime_)) Fail(i, path, "it would change");
      const bool is_one_file =
          same.try_emplace(was.file, is->second.file).first->second == is->second.file &&
          back.try_emplace(is->second.file, was.file).first->second == was.file;
      if (!is_one_file) Fail(i, path, "its hard links would change");
      ++is;
    }
    if (is != found.end()) Fail(i, is->first, "it would be new");
  }

  void CheckSize(const GeneratedLayer& layer) const {
    Bytes files = 0;
    for (const AtomIndex a : layer.atoms) {
      for (const Unit& unit : atoms_.files.units_of(a)) files = CheckedAdd(files, Weigh(unit));
    }
    Bytes directories = 0;
    for (const UnitIndex u : layer.directories) {
      directories =
          CheckedAdd(directories, At(atoms_.directories.units[u].contents).entry->blob_bytes);
    }
    RequireEqual("the files of a generated layer", layer.file_bytes, files);
    RequireEqual("the directories of a generated layer", layer.directory_bytes, directories);
  }

 private:
  Shown At(EntryRef ref) const {
    const Inventory& inventory = *contents_.inventories[ref.layer];
    return {.inventory = &inventory, .entry = &inventory.entries[ref.entry]};
  }

  // One entry has the contents, every further name is a hard link.
  Bytes Weigh(const Unit& unit) const {
    Bytes bytes = At(unit.contents).entry->blob_bytes;
    std::vector<Bytes> links;
    for (const EntryRef name : atoms_.files.names_of(unit)) {
      if (name != unit.contents) links.push_back(At(name).entry->blob_bytes);
    }
    std::ranges::sort(links);
    if (links.size() == unit.num_names) links.pop_back();
    for (const Bytes link : links) bytes = CheckedAdd(bytes, link);
    return bytes;
  }

  void Apply(ImageIndex i, const GeneratedLayer& layer, FileTree& tree,
             std::uint64_t& num_files) const {
    for (const UnitIndex u : layer.directories) {
      const Shown shown = At(atoms_.directories.units[u].contents);
      tree[shown.inventory->path(*shown.entry)] = shown;
    }
    for (const AtomIndex a : layer.atoms) {
      for (const Unit& unit : atoms_.files.units_of(a)) {
        Shown shown = At(unit.contents);
        shown.file = ++num_files;
        for (const EntryRef name : atoms_.files.names_of(unit)) {
          const std::string_view path = At(name).inventory->path(*At(name).entry);
          if (!tree.try_emplace(path, shown).second) Fail(i, path, "it would come twice");
        }
      }
    }
  }

  [[noreturn]] void Fail(ImageIndex i, std::string_view path, std::string_view how) const {
    throw AuditError(fmt::format("the audit disagrees about \"{}\" in {}: {}", path,
                                 fleet_.name(fleet_.images[i]), how));
  }

  const Fleet& fleet_;
  const LayerContents& contents_;
  const ContentAtoms& atoms_;
  const GeneratedLayout& layout_;
  bool ignore_mtime_;
};

}  // namespace

void AuditGeneratedLayout(const Fleet& fleet, const LayerContents& contents,
                          const ContentAtoms& atoms, const GeneratedLayout& layout,
                          std::uint32_t max_layers, bool ignore_mtime) {
  const GeneratedAudit audit(fleet, contents, atoms, layout, ignore_mtime);
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
