#include "planner/cost/cost_model.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

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

namespace {

constexpr double kBytesPerGb = 1e9;
constexpr double kMaxBlobCost = 4611686018427387904.0;  // 2^62: still fits with room to add

void RequireCount(const char* name, double value) {
  if (std::isfinite(value) && value >= 0) return;
  throw InputError(fmt::format("{}: expected a finite number of 0 or more, found {}", name, value));
}

}  // namespace

CostModel::CostModel(const Fleet& fleet, const CostOptions& options)
    : options_(options), has_pools_(!fleet.pools.empty()) {
  RequireCount("--storage-weight", options.storage_weight);
  RequireCount("--transfer-weight", options.transfer_weight);
  TakePrices();
  RequireCount("--layer-cost", static_cast<double>(options.layer_cost));
  RequireCount("--images-per-node", options.images_per_node);
  RequireCount("--nodes", options.nodes);
  for (const Image& image : fleet.images) {
    total_pulls_ = CheckedAdd(total_pulls_, image.pulls);
    uniform_pulls_ &= image.pulls == 1;
  }
  if (has_pools_ || options.images_per_node == 0) return;
  const double pulls = static_cast<double>(std::max<std::int64_t>(1, total_pulls_));
  nodes_ =
      options.nodes > 0 ? options.nodes : std::max(1.0, std::ceil(pulls / options.images_per_node));
  intensity_ = options.images_per_node / pulls;
}

void CostModel::TakePrices() {
  if (!options_.storage_price && !options_.transfer_price) return;
  const double storage = options_.storage_price.value_or(0);
  const double transfer = options_.transfer_price.value_or(0);
  RequireCount("--storage-price", storage);
  RequireCount("--transfer-price", transfer);
  unit_price_ = std::max(storage, transfer);
  if (unit_price_ == 0) {
    throw InputError("--storage-price and --transfer-price: expected one above 0, found none");
  }
  options_.storage_weight = storage / unit_price_;
  options_.transfer_weight = transfer / unit_price_;
}

double CostModel::MoneyOf(Bytes cost) const {
  return static_cast<double>(cost) / kBytesPerGb * unit_price_;
}

double CostModel::Fetches(std::int64_t pulls, std::int64_t pool_nodes) const {
  if (has_pools_) return static_cast<double>(pool_nodes);
  const double p = static_cast<double>(pulls);
  return cold() ? p : nodes_ * -std::expm1(-intensity_ * p);
}

Bytes CostModel::BlobCost(Bytes size, std::int64_t cells, double fetches) const {
  const double rate =
      options_.storage_weight * static_cast<double>(cells) + options_.transfer_weight * fetches;
  const double cost = std::ceil(static_cast<double>(size) * rate);
  if (cost > kMaxBlobCost) {
    throw InputError(fmt::format(
        "a blob of {} bytes at {:g} a byte costs more than 2^62; lower --storage-weight, "
        "--transfer-weight or --nodes, or check the sizes of the fleet",
        size, rate));
  }
  return static_cast<Bytes>(cost);
}

std::string CostModel::Describe() const {
  const Bytes layer_cost = options_.layer_cost;
  const Bytes mebi = Bytes{1} << 20;
  const std::string per_layer = layer_cost == 0          ? "0"
                                : layer_cost % mebi == 0 ? fmt::format("{} MiB", layer_cost / mebi)
                                : layer_cost % 1024 == 0 ? fmt::format("{} KiB", layer_cost / 1024)
                                : layer_cost == 1        ? "1 byte"
                                                         : fmt::format("{} bytes", layer_cost);
  std::string text =
      has_prices() ? fmt::format("{:g} a GB stored + {:g} a GB moved + {} a layer pulled",
                                 options_.storage_price.value_or(0),
                                 options_.transfer_price.value_or(0), per_layer)
                   : fmt::format("storage x {:g} + transfer x {:g} + {} a layer pulled",
                                 options_.storage_weight, options_.transfer_weight, per_layer);
  text += uniform_pulls_ ? "; 1 pull an image"
                         : fmt::format("; {} pull{}", total_pulls_, total_pulls_ == 1 ? "" : "s");
  if (has_pools_) {
    text += " on the pools of nodes that run them";
  } else if (total_pulls_ == 0) {
    text += ", so nothing is transferred";
  } else if (cold()) {
    text += ", every pull cold";
  } else {
    text += fmt::format(" on {:.10g} node{} of {:g} image{}", nodes_, nodes_ == 1 ? "" : "s",
                        options_.images_per_node, options_.images_per_node == 1 ? "" : "s");
  }
  if (options_.scope != Scope::kGlobal) {
    text += fmt::format("; blobs shared within a {}", ScopeName(options_.scope));
  }
  return text;
}

}  // namespace gneiss
