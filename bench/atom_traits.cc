#include "bench/atom_traits.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

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

}  // namespace

std::vector<AtomTraits> FindAtomTraits(const ContentAtoms& atoms, const LayerContents& contents) {
  const UnitTable& files = atoms.files;
  const auto key_of = [&](const Unit& unit) {
    const EntryRef name = files.names_of(unit).front();
    return contents.paths.key(contents.layer_paths[name.layer].path[name.entry]);
  };
  std::vector<AtomTraits> traits(files.atoms.size());
  std::map<std::string, std::uint32_t, std::less<>> origins;
  for (AtomIndex a = 0; a < traits.size(); ++a) {
    const std::span<const Unit> units = files.units_of(a);
    const auto heaviest = std::ranges::max_element(units, {}, &Unit::bytes);
    const std::string key = key_of(*heaviest);
    const auto number = static_cast<std::uint32_t>(origins.size());
    traits[a].origin = origins.try_emplace(std::string(TopDirectory(key)), number).first->second;
    traits[a].hash = HashOfName(key_of(units.front()));
  }
  return traits;
}

}  // namespace gneiss
