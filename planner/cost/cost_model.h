// What a layout costs (design.md 4): storage + transfer + overhead, in bytes-equivalents. The one
// place that turns options into rates; solvers get its numbers, the audit its formula.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"
#include "solver/rates/rates.h"

namespace gneiss {

// What the user sets.
struct CostOptions {
  double storage_weight = 1;   // alpha: cost of a byte stored, for the period of the pulls
  double transfer_weight = 1;  // beta: cost of a byte fetched
  // In money for 10^9 bytes, for the period of the pulls. One given replaces both weights; the
  // other is then 0.
  std::optional<double> storage_price;
  std::optional<double> transfer_price;
  Bytes layer_cost = 256 * 1024;  // what one request for a layer costs, in bytes
  double images_per_node = 10;    // k: images that a node runs on average; 0: every pull is cold
  double nodes = 0;               // 0: so many that nodes * images_per_node is the sum of all pulls
  Scope scope = Scope::kGlobal;
};

// The options applied to one fleet. Costs of blobs are whole numbers:
//     ceil(size * (storage_weight * cells + transfer_weight * fetches)).
// With prices the weights are their ratio to the higher of them, so that costs stay of the order of
// bytes, and MoneyOf turns costs into money.
class CostModel {
 public:
  // Throws InputError naming the option when a weight, price or count is negative or not finite, or
  // when both prices are 0.
  CostModel(const Fleet& fleet, const CostOptions& options);

  // As given, but for the weights that prices set.
  const CostOptions& options() const { return options_; }
  bool has_prices() const { return unit_price_ > 0; }
  // REQUIRES: has_prices().
  [[nodiscard]] double MoneyOf(Bytes cost) const;
  std::int64_t total_pulls() const { return total_pulls_; }
  // Nodes in the Poisson model; meaningless when cold() or has_pools().
  double nodes() const { return nodes_; }
  // Images a node runs per pull of the fleet's total: k / sum of pulls.
  double intensity() const { return intensity_; }
  bool cold() const { return !has_pools_ && options_.images_per_node == 0; }
  // The fleet says which pools run which images; they replace the Poisson model.
  bool has_pools() const { return has_pools_; }

  // Expected fetches of a blob whose images have `pulls` pulls in all and run on pools of
  // `pool_nodes` distinct nodes.
  [[nodiscard]] double Fetches(std::int64_t pulls, std::int64_t pool_nodes) const;

  // Cost of a blob of `size` bytes kept in `cells` cells and fetched `fetches` times.
  [[nodiscard]] Bytes BlobCost(Bytes size, std::int64_t cells, double fetches) const;

  // One line: what the figures assume.
  [[nodiscard]] std::string Describe() const;

 private:
  void TakePrices();

  CostOptions options_;
  std::int64_t total_pulls_ = 0;
  double nodes_ = 0;
  double intensity_ = 0;
  bool has_pools_ = false;
  bool uniform_pulls_ = true;
  double unit_price_ = 0;  // of 10^9 units of cost
};

// The cost model of a fleet (design.md 4) as the solvers take it: pulls, scope cells and node pools
// of every image, and the weights.

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
