#include "solver/merge_tree_search.h"

#include <algorithm>
#include <vector>

#include "solver/merge_tree_layers.h"

namespace gneiss {
namespace {

// Places tried for a subtree in one round.
constexpr std::size_t kNumPlaces = 12;
// States of the layer program in all tries, when the caller sets no limit.
constexpr std::uint64_t kStateBudget = 50'000'000;

// Where v might go: nodes with the most bytes in common with it, the smaller groups first among
// equals.
std::vector<TreeNode> PlacesFor(const MergeTree& tree, const std::vector<std::int64_t>& bytes,
                                TreeNode v) {
  std::vector<std::int64_t> shared(tree.size(), 0);
  std::vector<TreeNode> places;
  for (TreeNode w = 0; w < tree.size(); ++w) {
    if (!tree.CanRegraft(v, w)) continue;
    (tree.common(v) & tree.common(w)).ForEach([&](std::uint32_t a) { shared[w] += bytes[a]; });
    places.push_back(w);
  }
  const auto count = static_cast<std::ptrdiff_t>(std::min(kNumPlaces, places.size()));
  std::partial_sort(places.begin(), places.begin() + count, places.end(),
                    [&](TreeNode a, TreeNode b) {
                      return shared[a] != shared[b] ? shared[a] > shared[b] : a < b;
                    });
  places.resize(static_cast<std::size_t>(count));
  return places;
}

}  // namespace

std::uint64_t RegraftSubtrees(MergeTree& tree, SetRates& rates, const RegraftOptions& options) {
  std::uint64_t tries = 0;
  if (tree.num_images() < 3 || options.max_layers == 0) return tries;
  std::uint64_t max_tries = options.max_tries;
  if (max_tries == 0) {
    const std::uint64_t states =
        std::uint64_t{tree.size()} * 20 * std::min(options.max_layers, tree.num_images());
    max_tries = std::max<std::uint64_t>(1, kStateBudget / states);
  }
  std::int64_t cost = TreeLayerProgram(tree, rates, options.max_layers).cost();
  bool improved = true;
  while (improved) {
    improved = false;
    for (TreeNode v = 0; v < tree.size(); ++v) {
      if (tree.parent(v) == kNoTreeNode) continue;
      for (const TreeNode w : PlacesFor(tree, tree.atom_bytes(), v)) {
        if (tries == max_tries || (options.should_stop && options.should_stop())) return tries;
        ++tries;
        const TreeNode back = tree.sibling(v);
        tree.Regraft(v, w);
        const std::int64_t now = TreeLayerProgram(tree, rates, options.max_layers).cost();
        if (now < cost) {
          cost = now;
          improved = true;
          break;
        }
        tree.Regraft(v, back);
      }
    }
  }
  return tries;
}

}  // namespace gneiss
