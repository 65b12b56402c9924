#include "solver/rates/rates.h"

#include <cmath>
#include <utility>

namespace gneiss {

std::int64_t CostAtRate(std::int64_t bytes, double rate) {
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(bytes) * rate));
}

SetRates::SetRates(const RateModel& model)
    : model_(model), visited_(model.element_cells.size(), 0) {}

double SetRates::Of(std::span<const std::uint32_t> images) {
  if (images.empty()) return 0;
  const std::int64_t pulls = PullsOf(images);
  if (!model_.has_elements()) return OfPulls(pulls);
  std::int64_t cells = model_.scoped ? 0 : 1;
  std::int64_t nodes = 0;
  ++stamp_;
  for (const std::uint32_t image : images) {
    const std::uint64_t first = model_.first_element[image];
    for (const std::uint32_t e :
         model_.elements.subspan(first, model_.first_element[image + 1] - first)) {
      if (std::exchange(visited_[e], stamp_) == stamp_) continue;
      cells += model_.element_cells[e];
      nodes += model_.element_nodes[e];
    }
  }
  return model_.storage_weight * static_cast<double>(cells) +
         model_.fetch_weight * static_cast<double>(nodes) + FetchRate(pulls);
}

double SetRates::OfPulls(std::int64_t pulls) const {
  return model_.storage_weight + FetchRate(pulls);
}

std::int64_t SetRates::PullsOf(std::span<const std::uint32_t> images) const {
  std::int64_t pulls = 0;
  for (const std::uint32_t image : images) pulls += model_.pulls[image];
  return pulls;
}

double SetRates::FetchRate(std::int64_t pulls) const {
  if (model_.fetch_weight == 0) return 0;
  const auto p = static_cast<double>(pulls);
  if (model_.fetch_cold) return model_.fetch_weight * p;
  return model_.fetch_weight * (model_.fetch_nodes * -std::expm1(-model_.fetch_intensity * p));
}

}  // namespace gneiss
