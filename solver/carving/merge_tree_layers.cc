#include "solver/carving/merge_tree_layers.h"

#include <algorithm>
#include <cstddef>
#include <limits>
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

namespace {

// Larger than any sum of costs, and a sum of two of it still fits.
constexpr std::int64_t kNoTreeLayers = std::numeric_limits<std::int64_t>::max() / 2;

std::int64_t AddUpToNone(std::int64_t a, std::int64_t b) {
  return a >= kNoTreeLayers || b >= kNoTreeLayers ? kNoTreeLayers : a + b;
}

}  // namespace

TreeLayerProgram::TreeLayerProgram(const MergeTree& tree, SetRates& rates, std::uint32_t max_layers,
                                   std::int64_t base_cost)
    : tree_(tree), base_cost_(base_cost), level_(tree.size()), best_(tree.size()) {
  rate_.resize(tree.size());
  overhead_.resize(tree.size());
  bytes_above_.resize(tree.size());
  const std::vector<TreeNode> order = tree.postorder();
  std::vector<std::vector<std::uint32_t>> images(tree.size());
  for (const TreeNode v : order) {
    if (tree.is_leaf(v)) {
      images[v] = {v};
    } else {
      for (const TreeNode c : tree.children(v)) {
        images[v].insert(images[v].end(), images[c].begin(), images[c].end());
        images[c].clear();
      }
    }
    rate_[v] = rates.Of(images[v]);
    overhead_[v] = rates.model().layer_overhead * rates.PullsOf(images[v]);
  }
  std::uint32_t most_layers = 0;  // of an image, where every node that can have a layer has one
  for (auto v = order.rbegin(); v != order.rend(); ++v) {
    const TreeNode up = tree.parent(*v);
    std::vector<std::int64_t>& above = bytes_above_[*v];
    if (up == kNoTreeNode) {
      above = {0};
    } else {
      above = bytes_above_[up];
      if (level_[up] == above.size()) above.push_back(tree.common_bytes(up));
    }
    level_[*v] = static_cast<std::uint32_t>(above.size() - 1);
    if (tree.common_bytes(*v) > above.back()) ++level_[*v];
    most_layers = std::max(most_layers, level_[*v]);
  }
  is_limited_ = max_layers < most_layers;
  if (is_limited_) num_rooms_ = max_layers + 1;
  for (const TreeNode v : order) Solve(v);
}

std::int64_t TreeLayerProgram::Best(TreeNode v, std::uint32_t above, std::uint32_t room) const {
  return best_[v][std::size_t{above} * num_rooms_ + room];
}

std::int64_t TreeLayerProgram::BestBelow(TreeNode v, std::uint32_t above,
                                         std::uint32_t room) const {
  if (tree_.is_leaf(v)) return 0;
  const auto& [left, right] = tree_.children(v);
  return AddUpToNone(Best(left, above, room), Best(right, above, room));
}

std::int64_t TreeLayerProgram::LayerCost(TreeNode v, std::int64_t bytes_above) const {
  const std::int64_t bytes = tree_.common_bytes(v) - bytes_above;
  if (bytes == 0) return 0;
  return CostAtRate(bytes, rate_[v]) + overhead_[v] + (tree_.is_leaf(v) ? 0 : base_cost_);
}

void TreeLayerProgram::Solve(TreeNode v) {
  const auto num_above = static_cast<std::uint32_t>(bytes_above_[v].size());
  best_[v].resize(std::size_t{num_above} * num_rooms_);
  for (std::uint32_t above = 0; above < num_above; ++above) {
    const std::int64_t bytes_above = bytes_above_[v][above];
    const bool has_more = tree_.common_bytes(v) > bytes_above;
    const std::int64_t layer = LayerCost(v, bytes_above);
    for (std::uint32_t room = 0; room < num_rooms_; ++room) {
      std::int64_t best = tree_.is_leaf(v) && has_more ? kNoTreeLayers : BestBelow(v, above, room);
      if (has_more && (room > 0 || !is_limited_)) {
        const std::uint32_t below = is_limited_ ? room - 1 : room;
        best = std::min(best, AddUpToNone(layer, BestBelow(v, level_[v], below)));
      }
      best_[v][std::size_t{above} * num_rooms_ + room] = best;
    }
  }
}

void TreeLayerProgram::Take(TreeNode top, std::uint32_t above_top, std::uint32_t room_top,
                            TreeLayers& layers) const {
  struct State {
    TreeNode v;
    std::uint32_t above;
    std::uint32_t room;
  };
  std::vector<State> open = {{top, above_top, room_top}};
  while (!open.empty()) {
    auto [v, above, room] = open.back();
    open.pop_back();
    const bool has_more = tree_.common_bytes(v) > bytes_above_[v][above];
    const bool passes =
        (!tree_.is_leaf(v) || !has_more) && BestBelow(v, above, room) == Best(v, above, room);
    if (!passes) {
      layers.chosen.push_back(v);
      above = level_[v];
      if (is_limited_) --room;
    }
    if (tree_.is_leaf(v)) continue;
    for (const TreeNode c : tree_.children(v)) open.push_back({c, above, room});
  }
}

TreeLayers TreeLayerProgram::Choose() const {
  TreeLayers layers;
  if (tree_.size() == 0) return {.is_feasible = true};
  layers.cost = cost();
  layers.is_feasible = layers.cost < kNoTreeLayers;
  if (!layers.is_feasible) return {};
  Take(tree_.root(), 0, num_rooms_ - 1, layers);
  std::ranges::sort(layers.chosen);
  return layers;
}

std::size_t TreeLayerProgram::num_states() const {
  std::size_t states = 0;
  for (const std::vector<std::int64_t>& of_node : best_) states += of_node.size();
  return states;
}

std::vector<CarvedLayer> LayersOfTree(const MergeTree& tree, const TreeLayers& layers) {
  std::vector<std::uint8_t> is_chosen(tree.size(), 0);
  for (const TreeNode v : layers.chosen) is_chosen[v] = 1;
  std::vector<CarvedLayer> of;
  for (const TreeNode v : layers.chosen) {
    TreeNode above = tree.parent(v);
    while (above != kNoTreeNode && is_chosen[above] == 0) above = tree.parent(above);
    IndexSet atoms = tree.common(v);
    if (above != kNoTreeNode) atoms -= tree.common(above);
    of.push_back({.images = tree.images_below(v), .atoms = atoms.ToVector()});
  }
  return of;
}

}  // namespace gneiss
