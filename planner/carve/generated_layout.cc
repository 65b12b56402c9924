#include "planner/carve/generated_layout.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

namespace gneiss {
namespace {

constexpr UnitIndex kNoUnit = kNone;

// Directories of the fleet by path, and who has them.
class DirectoryTable {
 public:
  DirectoryTable(const ContentAtoms& atoms, const LayerContents& contents)
      : table_(atoms.directories), contents_(contents), first_(contents.paths.size() + 1, 0) {
    atom_.resize(table_.units.size());
    for (AtomIndex a = 0; a < table_.atoms.size(); ++a) {
      for (UnitIndex u = table_.first_unit[a]; u < table_.first_unit[a + 1]; ++u) atom_[u] = a;
    }
    for (const Unit& unit : table_.units) ++first_[PathOf(unit.contents) + 1];
    for (std::size_t p = 1; p < first_.size(); ++p) first_[p] += first_[p - 1];
    units_.resize(table_.units.size());
    std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
    for (UnitIndex u = 0; u < table_.units.size(); ++u) {
      units_[next[PathOf(table_.units[u].contents)]++] = u;
    }
  }

  std::span<const UnitIndex> at(PathIndex path) const {
    return std::span(units_).subspan(first_[path], first_[path + 1] - first_[path]);
  }
  std::span<const std::uint32_t> images_of(UnitIndex unit) const {
    return table_.atoms.signature(atom_[unit]);
  }
  PathIndex path_of(UnitIndex unit) const { return PathOf(table_.units[unit].contents); }
  Bytes bytes_of(UnitIndex unit) const { return table_.units[unit].bytes; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(table_.units.size()); }

  // The directory to list at a path for these images: the one that most of them have, if all have
  // one; ties: the first.
  UnitIndex BestFor(PathIndex path, std::span<const ImageIndex> images) const {
    UnitIndex best = kNoUnit;
    std::size_t most = 0;
    std::size_t num_with = 0;
    for (const UnitIndex u : at(path)) {
      const std::size_t count = CountCommon(images_of(u), images);
      num_with += count;
      if (count > most) {
        best = u;
        most = count;
      }
    }
    return num_with == images.size() ? best : kNoUnit;
  }

 private:
  PathIndex PathOf(EntryRef ref) const { return contents_.layer_paths[ref.layer].path[ref.entry]; }

  static std::size_t CountCommon(std::span<const std::uint32_t> a, std::span<const ImageIndex> b) {
    std::size_t count = 0;
    for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
      if (*i == *j) ++count;
      const bool next_a = *i <= *j;
      const bool next_b = *j <= *i;
      if (next_a) ++i;
      if (next_b) ++j;
    }
    return count;
  }

  const UnitTable& table_;
  const LayerContents& contents_;
  std::vector<std::uint32_t> first_;  // per path, and one past the end: into units_
  std::vector<UnitIndex> units_;
  std::vector<AtomIndex> atom_;  // per unit
};

// Gives layers their directories.
class DirectoryPlacer {
 public:
  DirectoryPlacer(const ContentAtoms& atoms, const LayerContents& contents,
                  std::span<const CarvedLayer> carved, std::uint32_t max_layers)
      : atoms_(atoms),
        contents_(contents),
        directories_(atoms, contents),
        max_layers_(max_layers),
        last_(contents.paths.size(), kNoUnit),
        last_layer_(contents.paths.size(), 0),
        seen_(contents.paths.size(), kNone) {
    for (const CarvedLayer& layer : carved) {
      layers_.push_back({.images = layer.images, .atoms = layer.atoms, .directories = {}});
    }
    SortLayers();
  }

  GeneratedLayout Run() {
    for (GeneratedLayer& layer : layers_) AddAncestors(layer);
    std::vector<std::vector<UnitIndex>> of_image(atoms_.known.size());
    for (UnitIndex u = 0; u < directories_.size(); ++u) {
      for (const std::uint32_t i : directories_.images_of(u)) of_image[i].push_back(u);
    }
    for (ImageIndex i = 0; i < of_image.size(); ++i) Complete(i, of_image[i]);
    GeneratedLayout layout{.layers = std::move(layers_)};
    for (GeneratedLayer& layer : layout.layers) Weigh(layer);
    return layout;
  }

 private:
  void SortLayers() {
    std::ranges::stable_sort(layers_, [](const GeneratedLayer& a, const GeneratedLayer& b) {
      if (a.images.size() != b.images.size()) return a.images.size() > b.images.size();
      return std::tie(a.images, a.atoms) < std::tie(b.images, b.atoms);
    });
  }

  void AddAncestors(GeneratedLayer& layer) {
    ++stamp_;
    for (const AtomIndex a : layer.atoms) {
      for (const Unit& unit : atoms_.files.units_of(a)) {
        for (const EntryRef name : atoms_.files.names_of(unit)) {
          PathIndex path = contents_.layer_paths[name.layer].path[name.entry];
          while (path != kRootPath) {
            path = contents_.paths.parent(path);
            if (std::exchange(seen_[path], stamp_) == stamp_) break;
            const UnitIndex directory = directories_.BestFor(path, layer.images);
            if (directory != kNoUnit) layer.directories.push_back(directory);
          }
        }
      }
    }
    std::ranges::sort(layer.directories);
  }

  // Makes every directory of an image end as the image has it.
  void Complete(ImageIndex i, const std::vector<UnitIndex>& directories) {
    std::vector<std::uint32_t> mine;
    for (std::uint32_t j = 0; j < layers_.size(); ++j) {
      if (std::ranges::binary_search(layers_[j].images, i)) mine.push_back(j);
    }
    for (const std::uint32_t j : mine) {
      for (const UnitIndex u : layers_[j].directories) {
        last_[directories_.path_of(u)] = u;
        last_layer_[directories_.path_of(u)] = j;
      }
    }
    std::vector<UnitIndex> homeless;
    std::map<std::uint32_t, std::vector<UnitIndex>> homes;  // by layer
    for (const UnitIndex u : directories) {
      const PathIndex path = directories_.path_of(u);
      if (last_[path] == u) continue;
      const std::uint32_t begin = last_[path] == kNoUnit ? 0 : last_layer_[path];
      const auto home = std::ranges::find_if(mine, [&](std::uint32_t j) {
        return j >= begin && std::ranges::includes(directories_.images_of(u), layers_[j].images);
      });
      if (home == mine.end()) {
        homeless.push_back(u);
      } else {
        homes[*home].push_back(u);
      }
    }
    for (const auto& [j, units] : homes) List(layers_[j], units);
    for (const std::uint32_t j : mine) {
      for (const UnitIndex u : layers_[j].directories) last_[directories_.path_of(u)] = kNoUnit;
    }
    if (!homeless.empty()) AddOwnLayer(i, mine, homeless);
  }

  // The image's own layer comes last; one that it has already would have been a home.
  void AddOwnLayer(ImageIndex i, const std::vector<std::uint32_t>& mine,
                   const std::vector<UnitIndex>& directories) {
    GeneratedLayer own;
    if (mine.size() >= max_layers_) {
      const std::uint32_t least = *std::ranges::min_element(mine, {}, [&](std::uint32_t j) {
        Bytes bytes = 0;
        for (const AtomIndex a : layers_[j].atoms) bytes += atoms_.files.atoms.bytes[a];
        return bytes;
      });
      own.atoms = layers_[least].atoms;
      own.directories = layers_[least].directories;
      std::erase(layers_[least].images, i);
    }
    own.images = {i};
    // It comes after what may have mended these.
    for (UnitIndex& u : own.directories) u = directories_.BestFor(directories_.path_of(u), {&i, 1});
    std::ranges::sort(own.directories);
    List(own, directories);
    layers_.push_back(std::move(own));
  }

  // In place of what the layer has at their paths. REQUIRES: no two have the same.
  void List(GeneratedLayer& layer, const std::vector<UnitIndex>& units) {
    ++stamp_;
    for (const UnitIndex u : units) seen_[directories_.path_of(u)] = stamp_;
    std::erase_if(layer.directories,
                  [&](UnitIndex other) { return seen_[directories_.path_of(other)] == stamp_; });
    layer.directories.insert(layer.directories.end(), units.begin(), units.end());
    std::ranges::sort(layer.directories);
  }

  void Weigh(GeneratedLayer& layer) const {
    for (const AtomIndex a : layer.atoms) {
      for (const Unit& unit : atoms_.files.units_of(a)) {
        layer.file_bytes = CheckedAdd(layer.file_bytes, unit.bytes);
      }
    }
    for (const UnitIndex u : layer.directories) {
      layer.directory_bytes = CheckedAdd(layer.directory_bytes, directories_.bytes_of(u));
    }
  }

  const ContentAtoms& atoms_;
  const LayerContents& contents_;
  DirectoryTable directories_;
  std::uint32_t max_layers_;
  std::vector<GeneratedLayer> layers_;
  // By path, of the image at hand: the directory that its layers list last, and which does.
  std::vector<UnitIndex> last_;
  std::vector<std::uint32_t> last_layer_;
  std::vector<std::uint32_t> seen_;  // by path: stamp of the layer or list
  std::uint32_t stamp_ = 0;
};

}  // namespace

std::vector<std::vector<std::uint32_t>> GeneratedLayout::LayersOfImages(
    std::size_t num_images) const {
  std::vector<std::vector<std::uint32_t>> of_image(num_images);
  for (std::uint32_t j = 0; j < layers.size(); ++j) {
    for (const ImageIndex i : layers[j].images) of_image[i].push_back(j);
  }
  return of_image;
}

GeneratedLayout MakeGeneratedLayout(const ContentAtoms& atoms, const LayerContents& contents,
                                    std::span<const CarvedLayer> carved, std::uint32_t max_layers) {
  return DirectoryPlacer(atoms, contents, carved, max_layers).Run();
}

LayoutCost CostOfGeneratedLayout(const Fleet& fleet, const CostModel& model,
                                 const ImageGroups& cells, const ContentAtoms& atoms,
                                 const GeneratedLayout& layout) {
  LayoutTally tally(model);
  std::vector<std::int64_t> num_layers(fleet.images.size(), 0);
  for (const GeneratedLayer& layer : layout.layers) {
    tally.AddBlob(layer.size(), CountUse(fleet, cells, layer.images));
    for (const ImageIndex i : layer.images) ++num_layers[i];
  }
  // The rest as it is.
  std::map<LayerIndex, std::vector<ImageIndex>> kept;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    if (atoms.known[i] != 0) continue;
    num_layers[i] = fleet.images[i].num_layers;
    for (const LayerIndex l : fleet.chain(fleet.images[i])) {
      std::vector<ImageIndex>& holders = kept[l];
      if (holders.empty() || holders.back() != i) holders.push_back(i);
    }
  }
  for (const auto& [l, images] : kept) {
    tally.AddBlob(fleet.layers[l].foreign ? 0 : fleet.layers[l].size,
                  CountUse(fleet, cells, images));
  }
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    tally.AddImage(fleet.images[i], num_layers[i]);
  }
  return tally.Finish();
}

}  // namespace gneiss
