// What the parts of the carving solver share: atoms with their signatures as bits, and how many
// layers each image may have of them.
//
// Images with the same atoms (flattened copies, recompressed twins) can stand as one here:
// `members` says which images of the rate model an image of this model is.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "solver/carving/atoms.h"
#include "solver/carving/index_set.h"
#include "solver/rates/rates.h"

namespace gneiss {

class CarvingModel {
 public:
  // `rates` must outlive the model. REQUIRES: max_layers and members have an entry for each image
  // of the table, max_layers >= 1; members are disjoint and not empty.
  CarvingModel(const AtomTable& atoms, std::vector<std::uint32_t> max_layers,
               std::vector<std::vector<std::uint32_t>> members, SetRates& rates);

  std::uint32_t num_atoms() const { return static_cast<std::uint32_t>(bytes.size()); }
  double RateOf(const IndexSet& images) const { return rates_->Of(MembersOf(images)); }
  std::int64_t PullsOf(const IndexSet& images) const { return rates_->PullsOf(MembersOf(images)); }
  std::vector<std::uint32_t> MembersOf(const IndexSet& images) const;
  const RateModel& rate_model() const { return rates_->model(); }

  // Atoms whose signatures contain `images`, ascending. REQUIRES: images is not empty.
  std::vector<AtomIndex> AtomsAbove(const IndexSet& images) const;

  std::uint32_t num_images = 0;
  std::vector<std::int64_t> bytes;                  // per atom, > 0
  std::vector<IndexSet> signatures;                 // per atom, distinct, not empty
  std::vector<double> signature_rates;              // per atom
  std::vector<std::vector<AtomIndex>> having;       // per image: its atoms, ascending
  std::vector<std::uint32_t> room;                  // per image: layers that it may have, >= 1
  std::vector<std::vector<std::uint32_t>> members;  // per image

 private:
  SetRates* rates_;
};

}  // namespace gneiss
