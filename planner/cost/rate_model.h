// The cost model of a fleet (design.md 4) as the solvers take it: pulls, scope cells and node pools
// of every image, and the weights.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/cost/cost_model.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"
#include "solver/rates/rates.h"

namespace gneiss {

// Owns the arrays that a RateModel views; image i of the fleet is image i of the model. Elements
// are the scope cells, if there is more than one, and then the pools.
class FleetRates {
 public:
  // `cells` are those of the model's scope. Keeps nothing of its arguments.
  FleetRates(const Fleet& fleet, const CostModel& model, const ImageGroups& cells);
  FleetRates(const FleetRates&) = delete;
  FleetRates& operator=(const FleetRates&) = delete;

  // Valid as long as this is.
  const RateModel& model() const { return model_; }
  // Empty when there are no elements.
  std::span<const std::uint32_t> elements_of(ImageIndex image) const {
    if (!model_.has_elements()) return {};
    return std::span(elements_).subspan(first_element_[image],
                                        first_element_[image + 1] - first_element_[image]);
  }

 private:
  std::vector<std::int64_t> pulls_;
  std::vector<std::uint64_t> first_element_;
  std::vector<std::uint32_t> elements_;
  std::vector<std::int64_t> element_cells_;
  std::vector<std::int64_t> element_nodes_;
  RateModel model_;
};

}  // namespace gneiss
