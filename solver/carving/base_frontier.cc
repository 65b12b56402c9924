#include "solver/carving/base_frontier.h"

#include <algorithm>
#include <utility>

namespace gneiss {
namespace {

BasesChoice ChooseAt(const MergeTree& tree, SetRates& rates, std::uint32_t max_layers,
                     std::int64_t price) {
  BasesChoice choice{.layers = TreeLayerProgram(tree, rates, max_layers, price).Choose()};
  choice.num_bases = static_cast<std::uint32_t>(
      std::ranges::count_if(choice.layers.chosen, [&](TreeNode v) { return !tree.is_leaf(v); }));
  choice.cost = choice.layers.cost - price * choice.num_bases;
  return choice;
}

}  // namespace

std::vector<BasesChoice> BaseFrontier(const MergeTree& tree, SetRates& rates,
                                      std::uint32_t max_layers,
                                      const std::function<bool()>& should_stop) {
  BasesChoice most = ChooseAt(tree, rates, max_layers, 0);
  if (!most.layers.is_feasible) return {};
  if (most.num_bases == 0) return {std::move(most)};
  // No base saves more than all images cost apart.
  std::int64_t too_much = 1;
  for (TreeNode image = 0; image < tree.num_images(); ++image) {
    const std::vector<std::uint32_t> alone = {image};
    too_much += CostAtRate(tree.common_bytes(image), rates.Of(alone)) +
                rates.model().layer_overhead * rates.PullsOf(alone);
  }
  BasesChoice fewest = ChooseAt(tree, rates, max_layers, too_much);
  std::vector<BasesChoice> corners;
  std::vector<BasesChoice> open;  // right ends, the nearest last
  open.push_back(std::move(most));
  corners.push_back(std::move(fewest));
  while (!open.empty()) {
    const BasesChoice& left = corners.back();
    const BasesChoice& right = open.back();
    const bool is_next = right.num_bases <= left.num_bases + 1 || (should_stop && should_stop());
    if (!is_next) {
      // The price at which both ends cost the same; rounded up, it favours the left one.
      const std::int64_t price = (left.cost - right.cost + (right.num_bases - left.num_bases) - 1) /
                                 (right.num_bases - left.num_bases);
      BasesChoice between = ChooseAt(tree, rates, max_layers, price);
      if (between.num_bases > left.num_bases && between.num_bases < right.num_bases &&
          between.cost < left.cost) {
        open.push_back(std::move(between));
        continue;
      }
    }
    if (right.num_bases > left.num_bases && right.cost < left.cost) corners.push_back(right);
    open.pop_back();
  }
  return corners;
}

}  // namespace gneiss
