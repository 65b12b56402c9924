#include "planner/cost/rate_model.h"

namespace gneiss {

FleetRates::FleetRates(const Fleet& fleet, const CostModel& model, const ImageGroups& cells) {
  model_.scoped = cells.size() > 1;
  pulls_.reserve(fleet.images.size());
  for (const Image& image : fleet.images) pulls_.push_back(image.pulls);
  if (model_.scoped) {
    element_cells_.assign(cells.size(), 1);
    element_nodes_.assign(cells.size(), 0);
  }
  const auto first_pool = static_cast<std::uint32_t>(element_cells_.size());
  for (const Pool& pool : fleet.pools) {
    element_cells_.push_back(0);
    element_nodes_.push_back(pool.nodes);
  }
  if (!element_cells_.empty()) {
    first_element_.push_back(0);
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      if (model_.scoped) elements_.insert(elements_.end(), cells.of(i).begin(), cells.of(i).end());
      for (const PoolIndex pool : fleet.pools_of(fleet.images[i])) {
        elements_.push_back(first_pool + pool);
      }
      first_element_.push_back(elements_.size());
    }
  }
  model_.pulls = pulls_;
  model_.first_element = first_element_;
  model_.elements = elements_;
  model_.element_cells = element_cells_;
  model_.element_nodes = element_nodes_;
  model_.storage_weight = model.options().storage_weight;
  model_.fetch_weight = model.options().transfer_weight;
  model_.fetch_nodes = model.has_pools() ? 0 : model.nodes();
  model_.fetch_intensity = model.intensity();
  model_.fetch_cold = model.cold();
  model_.layer_overhead = model.options().layer_cost;
}

}  // namespace gneiss
