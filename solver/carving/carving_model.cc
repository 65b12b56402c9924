#include "solver/carving/carving_model.h"

#include <algorithm>
#include <utility>

namespace gneiss {

CarvingModel::CarvingModel(const AtomTable& atoms, std::vector<std::uint32_t> max_layers,
                           std::vector<std::vector<std::uint32_t>> members_of, SetRates& rates)
    : num_images(atoms.num_images),
      bytes(atoms.bytes),
      having(atoms.num_images),
      room(std::move(max_layers)),
      members(std::move(members_of)),
      rates_(&rates) {
  signatures.reserve(atoms.size());
  signature_rates.reserve(atoms.size());
  for (AtomIndex a = 0; a < atoms.size(); ++a) {
    signatures.emplace_back(num_images, atoms.signature(a));
    signature_rates.push_back(RateOf(signatures.back()));
    for (const std::uint32_t i : atoms.signature(a)) having[i].push_back(a);
  }
}

std::vector<std::uint32_t> CarvingModel::MembersOf(const IndexSet& images) const {
  std::vector<std::uint32_t> of;
  images.ForEach(
      [&](std::uint32_t i) { of.insert(of.end(), members[i].begin(), members[i].end()); });
  return of;
}

std::vector<AtomIndex> CarvingModel::AtomsAbove(const IndexSet& images) const {
  const std::vector<AtomIndex>* fewest = nullptr;
  images.ForEach([&](std::uint32_t i) {
    if (fewest == nullptr || having[i].size() < fewest->size()) fewest = &having[i];
  });
  std::vector<AtomIndex> above;
  for (const AtomIndex a : *fewest) {
    if (images.IsSubsetOf(signatures[a])) above.push_back(a);
  }
  return above;
}

}  // namespace gneiss
