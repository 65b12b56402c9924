#include "solver/carving/merge_tree_search.h"

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include "solver/carving/merge_tree_layers.h"

namespace gneiss {
namespace {

// Places tried for a subtree in one round.
constexpr std::size_t kNumPlaces = 12;
// States of the layer program in all tries, when the caller sets no limit.
constexpr std::uint64_t kStateBudget = 400'000'000;

// A kick: so many regrafts at random; after so many without a better tree it ends, or after so many
// for each image of a small one.
constexpr std::uint32_t kRegraftsOfKick = 3;
constexpr std::uint32_t kMostIdleKicks = 100;
constexpr std::uint32_t kIdleKicksOfImage = 2;

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

class TreeSearch {
 public:
  TreeSearch(MergeTree& tree, SetRates& rates, const RegraftOptions& options)
      : tree_(tree), rates_(rates), options_(options), max_tries_(options.max_tries) {
    if (max_tries_ == 0) {
      // Without a limit that binds, what a try does beside its states is what it costs.
      const std::uint64_t rooms = options.max_layers < tree.height() ? options.max_layers : 4;
      const std::uint64_t states = std::uint64_t{tree.size()} * 20 * rooms;
      max_tries_ = std::max<std::uint64_t>(1, kStateBudget / states);
    }
    cost_ = Cost();
  }

  // To a local optimum; then again from trees near the best one, as long as there are tries.
  std::uint64_t Run() {
    if (IsEnough()) return tries_;
    Descend();
    MergeTree best = tree_;
    std::int64_t best_cost = cost_;
    const std::uint32_t most_idle =
        std::min(kMostIdleKicks, kIdleKicksOfImage * tree_.num_images());
    for (std::uint32_t idle = 0; idle < most_idle && !IsOver();) {
      for (std::uint32_t k = 0; k < kRegraftsOfKick; ++k) Kick();
      cost_ = Cost();
      Descend();
      if (cost_ < best_cost) {
        best = tree_;
        best_cost = cost_;
        idle = 0;
      } else {
        tree_ = best;
        ++idle;
      }
    }
    tree_ = best;
    return tries_;
  }

 private:
  bool IsEnough() {
    if (!options_.enough_cost || cost_ > enough_cost_) return false;
    enough_cost_ = options_.enough_cost(tree_, cost_);
    if (cost_ <= enough_cost_) over_ = true;
    return over_;
  }

  bool IsOver() {
    over_ = over_ || tries_ >= max_tries_ || (options_.should_stop && options_.should_stop());
    return over_;
  }

  std::int64_t Cost() {
    ++tries_;
    return TreeLayerProgram(tree_, rates_, options_.max_layers).cost();
  }

  void Kick() {
    const auto v = static_cast<TreeNode>(random_() % tree_.size());
    if (tree_.parent(v) == kNoTreeNode) return;
    const std::vector<TreeNode> places = PlacesFor(tree_, tree_.atom_bytes(), v);
    if (!places.empty()) tree_.Regraft(v, places[random_() % places.size()]);
  }

  void Descend() {
    bool improved = true;
    while (improved) {
      improved = false;
      for (TreeNode v = 0; v < tree_.size(); ++v) {
        if (tree_.parent(v) == kNoTreeNode) continue;
        for (const TreeNode w : PlacesFor(tree_, tree_.atom_bytes(), v)) {
          if (IsOver()) return;
          const TreeNode back = tree_.sibling(v);
          tree_.Regraft(v, w);
          const std::int64_t now = Cost();
          if (now < cost_) {
            cost_ = now;
            improved = true;
            if (IsEnough()) return;
            break;
          }
          tree_.Regraft(v, back);
        }
      }
    }
  }

  MergeTree& tree_;
  SetRates& rates_;
  const RegraftOptions& options_;
  std::uint64_t max_tries_;
  std::uint64_t tries_ = 0;
  std::int64_t cost_ = 0;
  std::int64_t enough_cost_ = std::numeric_limits<std::int64_t>::max();
  bool over_ = false;
  std::mt19937_64 random_{1};
};

}  // namespace

std::uint64_t RegraftSubtrees(MergeTree& tree, SetRates& rates, const RegraftOptions& options) {
  if (tree.num_images() < 3 || options.max_layers == 0) return 0;
  return TreeSearch(tree, rates, options).Run();
}

}  // namespace gneiss
