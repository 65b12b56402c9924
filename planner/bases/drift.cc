#include "planner/bases/drift.h"

#include <cstddef>
#include <stdexcept>

namespace gneiss {

void MovedChains::Move(const Drift& drift) {
  for (const ImageIndex i : drift.images) {
    if (move_[i] != nullptr) throw std::logic_error("an image moves twice");
    move_[i] = &drift;
  }
}

std::span<const LayerIndex> MovedChains::operator()(ImageIndex i) {
  const auto chain = fleet_.chain(fleet_.images[i]);
  if (move_[i] == nullptr) return chain;
  const Drift& drift = *move_[i];
  buffer_.assign(drift.to.begin(), drift.to.end());
  const auto rest = chain.subspan(drift.from.size());
  buffer_.insert(buffer_.end(), rest.begin(), rest.end());
  return buffer_;
}

}  // namespace gneiss
