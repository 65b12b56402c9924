#include "bench/origin_atoms.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace gneiss {
namespace {

// FNV-1a.
std::uint64_t HashOfName(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

// "usr/lib" of "usr/lib/x/y"; of fewer than three components all but the last.
std::string_view TopDirectory(std::string_view path) {
  const std::size_t first = path.find('/');
  if (first == std::string_view::npos) return {};
  const std::size_t second = path.find('/', first + 1);
  return path.substr(0, second == std::string_view::npos ? first : second);
}

// "package dpkg/zlib1g", "directory usr/lib".
std::string OriginOf(const Unit& unit, const ContentAtoms& atoms, const LayerContents& contents) {
  const Inventory& inventory = *contents.inventories[unit.contents.layer];
  const Entry& entry = inventory.entries[unit.contents.entry];
  if (entry.package != kNone) {
    const Package& package = inventory.packages[entry.package];
    return fmt::format("package {}/{}", PackageSystemName(package.system), package.name);
  }
  const EntryRef name = atoms.files.names_of(unit).front();
  const std::string key = contents.paths.key(contents.layer_paths[name.layer].path[name.entry]);
  return fmt::format("directory {}", TopDirectory(key));
}

}  // namespace

OriginAtoms SplitByOrigin(const ContentAtoms& atoms, const LayerContents& contents) {
  const UnitTable& files = atoms.files;
  OriginAtoms split;
  split.atoms.directories = atoms.directories;
  split.atoms.known = atoms.known;
  split.atoms.num_known = atoms.num_known;
  UnitTable& parts = split.atoms.files;
  parts.atoms.num_images = files.atoms.num_images;
  parts.atoms.first_image.push_back(0);
  parts.names = files.names;
  std::map<std::string, std::uint32_t> numbers;
  for (AtomIndex a = 0; a < files.atoms.size(); ++a) {
    std::map<std::string, std::vector<Unit>> units_of;
    for (const Unit& unit : files.units_of(a)) {
      units_of[OriginOf(unit, atoms, contents)].push_back(unit);
    }
    for (const auto& [origin, units] : units_of) {
      const auto next = static_cast<std::uint32_t>(numbers.size());
      split.traits.push_back(
          {.origin = numbers.try_emplace(origin, next).first->second, .hash = HashOfName(origin)});
      Bytes bytes = 0;
      for (const Unit& unit : units) bytes = CheckedAdd(bytes, unit.bytes);
      parts.atoms.bytes.push_back(std::max<Bytes>(bytes, 1));
      const auto signature = files.atoms.signature(a);
      parts.atoms.images.insert(parts.atoms.images.end(), signature.begin(), signature.end());
      parts.atoms.first_image.push_back(parts.atoms.images.size());
      parts.first_unit.push_back(static_cast<UnitIndex>(parts.units.size()));
      parts.units.insert(parts.units.end(), units.begin(), units.end());
    }
  }
  parts.first_unit.push_back(static_cast<UnitIndex>(parts.units.size()));
  return split;
}

}  // namespace gneiss
