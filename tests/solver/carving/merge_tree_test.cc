#include "solver/carving/merge_tree.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "solver/carving/merge_tree_layers.h"
#include "solver/carving/merge_tree_search.h"
#include "tests/make/random_atoms.h"
#include "tests/make/rounds.h"

namespace gneiss {
namespace {

constexpr std::int64_t kNoLayers = std::numeric_limits<std::int64_t>::max();

// Random atoms and rates, and the tree of the images.
struct RandomTree {
  AtomTable atoms;
  RandomRates random_rates;
  SetRates rates;
  std::uint32_t max_layers;
  MergeTree tree;

  // Layers up to `least_layers` and at most three more.
  RandomTree(std::mt19937_64& random, std::uint32_t num_images, std::uint32_t max_atoms,
             std::uint32_t least_layers, bool storage_alone)
      : atoms(RandomAtoms(random, num_images, max_atoms)),
        random_rates(random, num_images, storage_alone),
        rates(random_rates.model),
        max_layers(least_layers + static_cast<std::uint32_t>(random() % 4)),
        tree(atoms, ImageOverlap(atoms)) {}
};

// Cost of chosen nodes by the definition, kNoLayers when they do not bring all to all images within
// the limit. Nodes above `top` are none.
std::int64_t CostOfChosen(const AtomTable& atoms, const RateModel& model, const MergeTree& tree,
                          unsigned chosen, std::uint32_t max_layers) {
  TreeLayers layers;
  for (TreeNode v = 0; v < tree.size(); ++v) {
    if ((chosen >> v & 1U) != 0) layers.chosen.push_back(v);
  }
  const std::vector<CarvedLayer> carved = LayersOfTree(tree, layers);
  std::vector<std::uint32_t> num_layers(atoms.num_images, 0);
  std::vector<std::size_t> reached(atoms.size(), 0);
  for (const CarvedLayer& layer : carved) {
    if (layer.atoms.empty()) return kNoLayers;
    for (const std::uint32_t i : layer.images) {
      if (++num_layers[i] > max_layers) return kNoLayers;
    }
    for (const AtomIndex a : layer.atoms) reached[a] += layer.images.size();
  }
  for (AtomIndex a = 0; a < atoms.size(); ++a) {
    if (reached[a] != atoms.signature(a).size()) return kNoLayers;
  }
  return CostOfLayers(atoms, model, carved);
}

TEST_CASE("The overlap is that of its definition", "[solver][merge_tree]") {
  std::mt19937_64 random(1);
  const AtomTable atoms = RandomAtoms(random, 9, 30);
  const std::vector<std::int64_t> overlap = ImageOverlap(atoms);
  for (std::uint32_t i = 0; i < 9; ++i) {
    for (std::uint32_t j = 0; j < 9; ++j) {
      std::int64_t bytes = 0;
      for (AtomIndex a = 0; a < atoms.size(); ++a) {
        const auto signature = atoms.signature(a);
        if (std::ranges::binary_search(signature, i) && std::ranges::binary_search(signature, j)) {
          bytes += atoms.bytes[a];
        }
      }
      REQUIRE(overlap[i * 9 + j] == bytes);
    }
  }
}

TEST_CASE("The merge tree joins what has the most in common", "[solver][merge_tree]") {
  // 0 and 2 share 30 bytes, 1 and 3 share 20, all share 5.
  const AtomTable atoms{.num_images = 4,
                        .bytes = {5, 30, 20, 1},
                        .first_image = {0, 4, 6, 8, 9},
                        .images = {0, 1, 2, 3, 0, 2, 1, 3, 3}};
  const MergeTree tree(atoms, ImageOverlap(atoms));
  REQUIRE(tree.size() == 7);
  CHECK(tree.images_below(4) == std::vector<std::uint32_t>{0, 2});
  CHECK(tree.common_bytes(4) == 35);
  CHECK(tree.images_below(5) == std::vector<std::uint32_t>{1, 3});
  CHECK(tree.common_bytes(5) == 25);
  CHECK(tree.root() == 6);
  CHECK(tree.common_bytes(6) == 5);

  const std::vector<std::int64_t> pulls = {1, 1, 1, 1};
  const RateModel model{.pulls = pulls};
  SetRates rates(model);
  const TreeLayerProgram two(tree, rates, 2);
  CHECK(two.Choose().chosen == std::vector<TreeNode>{3, 4, 5});
  CHECK(two.Choose().cost == 35 + 25 + 1);
  CHECK(TreeLayerProgram(tree, rates, 3).Choose().cost == 5 + 30 + 20 + 1);
  CHECK_FALSE(TreeLayerProgram(tree, rates, 0).Choose().is_feasible);
}

TEST_CASE("The chosen layers of a tree are the cheapest of all choices of nodes",
          "[solver][merge_tree]") {
  std::mt19937_64 random(2);
  for (int round = 0; round < NumRounds(150); ++round) {
    const auto num_images = static_cast<std::uint32_t>(1 + random() % 5);
    RandomTree made(random, num_images, 1 + random() % 8, 1, round % 2 == 0);
    auto& [atoms, random_rates, rates, max_layers, tree] = made;
    const TreeLayers layers = TreeLayerProgram(tree, rates, max_layers).Choose();
    REQUIRE(layers.is_feasible);
    std::int64_t least = kNoLayers;
    for (unsigned chosen = 0; chosen < 1U << tree.size(); ++chosen) {
      least = std::min(least, CostOfChosen(atoms, random_rates.model, tree, chosen, max_layers));
    }
    REQUIRE(layers.cost == least);
    const std::vector<CarvedLayer> carved = LayersOfTree(tree, layers);
    CheckLayers(atoms, carved, max_layers);
    REQUIRE(CostOfLayers(atoms, random_rates.model, carved) == layers.cost);
  }
}

TEST_CASE(
    "Images with nothing in common cost the layer program a state each, however high the tree",
    "[solver][merge_tree]") {
  // Two by two they share a byte; otherwise their tree is one long branch.
  constexpr std::uint32_t kImages = 200;
  AtomTable atoms{.num_images = kImages, .bytes = {}, .first_image = {0}, .images = {}};
  for (std::uint32_t i = 0; i < kImages; i += 2) {
    for (const std::vector<std::uint32_t>& having : {std::vector{i, i + 1}, {i}, {i + 1}}) {
      atoms.bytes.push_back(1);
      atoms.images.insert(atoms.images.end(), having.begin(), having.end());
      atoms.first_image.push_back(atoms.images.size());
    }
  }
  const MergeTree tree(atoms, ImageOverlap(atoms));
  REQUIRE(tree.height() > kImages / 3);
  const std::vector<std::int64_t> pulls(kImages, 1);
  const RateModel model{.pulls = pulls};
  SetRates rates(model);
  // A leaf stands below nothing, or below what its pair has in common; two layers are enough.
  const TreeLayerProgram two(tree, rates, 2);
  CHECK(two.num_states() == 2 * kImages + (kImages - 1));
  CHECK(two.cost() == kImages / 2 * 3);
  CHECK(TreeLayerProgram(tree, rates, 127).num_states() == two.num_states());
  const TreeLayerProgram one(tree, rates, 1);
  CHECK(one.num_states() == 2 * two.num_states());
  CHECK(one.cost() == kImages / 2 * 4);
}

TEST_CASE("The corners of the frontier are the least that so many bases cost, and none lies below",
          "[solver][merge_tree]") {
  std::mt19937_64 random(3);
  std::size_t num_corners = 0;
  for (int round = 0; round < NumRounds(150); ++round) {
    const auto num_images = static_cast<std::uint32_t>(1 + random() % 5);
    RandomTree made(random, num_images, 9, 1, round % 2 == 0);
    auto& [atoms, random_rates, rates, max_layers, tree] = made;
    std::vector<std::int64_t> least(num_images + 1, kNoLayers);
    for (unsigned chosen = 0; chosen < 1U << tree.size(); ++chosen) {
      const auto num_bases = static_cast<std::size_t>(std::popcount(chosen >> num_images));
      least[num_bases] = std::min(
          least[num_bases], CostOfChosen(atoms, random_rates.model, tree, chosen, max_layers));
    }
    const std::vector<BasesChoice> corners = BaseFrontier(tree, rates, max_layers);
    REQUIRE(!corners.empty());
    // The cheapest of all is a corner.
    REQUIRE(corners.back().cost == *std::ranges::min_element(least));
    for (const BasesChoice& corner : corners) {
      REQUIRE(corner.cost == least[corner.num_bases]);
      const std::vector<CarvedLayer> carved = LayersOfTree(tree, corner.layers);
      CheckLayers(atoms, carved, max_layers);
      REQUIRE(CostOfLayers(atoms, random_rates.model, carved) == corner.cost);
    }
    for (std::size_t c = 1; c < corners.size(); ++c) {
      const BasesChoice& left = corners[c - 1];
      const BasesChoice& right = corners[c];
      REQUIRE(left.num_bases < right.num_bases);
      REQUIRE(left.cost > right.cost);
      for (std::uint32_t k = left.num_bases; k <= right.num_bases; ++k) {
        if (least[k] == kNoLayers) continue;
        // Not below the line between the two.
        REQUIRE((least[k] - right.cost) * (right.num_bases - left.num_bases) >=
                (left.cost - right.cost) * (right.num_bases - k));
      }
    }
    num_corners += corners.size();
  }
  CHECK(num_corners > NumRounds(250));
}

TEST_CASE(
    "The frontier begins without a base, even where one for equal images saves most of the cost",
    "[solver][merge_tree]") {
  // Three images of 100 bytes are equal, and so are two others.
  const AtomTable atoms{
      .num_images = 5, .bytes = {100, 90}, .first_image = {0, 3, 5}, .images = {0, 1, 2, 3, 4}};
  const std::vector<std::int64_t> pulls(5, 1);
  const RateModel model{.pulls = pulls};
  SetRates rates(model);
  const MergeTree tree(atoms, ImageOverlap(atoms));
  for (const std::uint32_t max_layers : {1U, 2U, 9U}) {
    const std::vector<BasesChoice> corners = BaseFrontier(tree, rates, max_layers);
    REQUIRE(corners.size() == 3);
    CHECK(corners[0].num_bases == 0);
    CHECK(corners[0].cost == 3 * 100 + 2 * 90);
    CHECK(corners[1].cost == 100 + 2 * 90);
    CHECK(corners[2].cost == 100 + 90);
  }
}

TEST_CASE("Regrafting never makes a tree's layers cost more, and the tree stays one",
          "[solver][merge_tree]") {
  std::mt19937_64 random(4);
  int num_better = 0;
  for (int round = 0; round < NumRounds(60); ++round) {
    const auto num_images = static_cast<std::uint32_t>(1 + random() % 12);
    RandomTree made(random, num_images, 30, 1, round % 2 == 0);
    auto& [atoms, random_rates, rates, max_layers, tree] = made;
    const std::int64_t before = TreeLayerProgram(tree, rates, max_layers).Choose().cost;
    std::uint64_t num_polls = 0;
    RegraftSubtrees(tree, rates, {.max_layers = max_layers, .max_tries = 500, .should_stop = [&] {
                                    return round % 4 == 0 && num_polls++ > 20;
                                  }});
    const TreeLayers layers = TreeLayerProgram(tree, rates, max_layers).Choose();
    REQUIRE(layers.cost <= before);
    if (layers.cost < before) ++num_better;
    CheckLayers(atoms, LayersOfTree(tree, layers), max_layers);
    REQUIRE(tree.images_below(tree.root()).size() == num_images);
    for (TreeNode v = num_images; v < tree.size(); ++v) {
      const auto& [left, right] = tree.children(v);
      REQUIRE(tree.parent(left) == v);
      REQUIRE(tree.parent(right) == v);
      REQUIRE(tree.common(v) == (tree.common(left) & tree.common(right)));
    }
  }
  CHECK(num_better > (kIsSanitized ? 0 : 5));
}

// Groups of images below the inner nodes: what tells trees apart.
std::vector<std::vector<std::uint32_t>> GroupsOf(const MergeTree& tree) {
  std::vector<std::vector<std::uint32_t>> groups;
  for (TreeNode v = tree.num_images(); v < tree.size(); ++v) {
    groups.push_back(tree.images_below(v));
    std::ranges::sort(groups.back());
  }
  std::ranges::sort(groups);
  return groups;
}

// Of all trees: regrafts lead from any to any.
std::int64_t CheapestTree(const MergeTree& first, SetRates& rates, std::uint32_t max_layers) {
  std::vector<MergeTree> found = {first};
  std::set<std::vector<std::vector<std::uint32_t>>> seen = {GroupsOf(first)};
  std::int64_t best = kNoLayers;
  for (std::size_t t = 0; t < found.size(); ++t) {
    best = std::min(best, TreeLayerProgram(found[t], rates, max_layers).cost());
    for (TreeNode v = 0; v < first.size(); ++v) {
      if (found[t].parent(v) == kNoTreeNode) continue;
      for (TreeNode w = 0; w < first.size(); ++w) {
        MergeTree tree = found[t];
        if (!tree.CanRegraft(v, w)) continue;
        tree.Regraft(v, w);
        if (seen.insert(GroupsOf(tree)).second) found.push_back(std::move(tree));
      }
    }
  }
  const std::size_t num_trees = first.num_images() == 5 ? 105 : 15;
  REQUIRE(found.size() == num_trees);
  return best;
}

TEST_CASE("Regrafting finds the best of all trees of a few images", "[solver][merge_tree]") {
  std::mt19937_64 random(9);
  for (int round = 0; round < NumRounds(40); ++round) {
    CAPTURE(round);
    const auto num_images = static_cast<std::uint32_t>(4 + random() % 2);
    RandomTree made(random, num_images, 14, 2, round % 2 == 0);
    auto& [atoms, random_rates, rates, max_layers, tree] = made;
    const std::int64_t best = CheapestTree(tree, rates, max_layers);
    RegraftSubtrees(tree, rates, {.max_layers = max_layers, .max_tries = 1000});
    REQUIRE(TreeLayerProgram(tree, rates, max_layers).cost() == best);
  }
}

TEST_CASE("Regrafting ends at a tree that is enough", "[solver][merge_tree]") {
  std::mt19937_64 random(10);
  int num_early = 0;
  for (int round = 0; round < NumRounds(60); ++round) {
    const auto num_images = static_cast<std::uint32_t>(3 + random() % 10);
    const AtomTable atoms = RandomAtoms(random, num_images, 30);
    const RandomRates random_rates(random, num_images, round % 2 == 0);
    SetRates rates(random_rates.model);
    RegraftOptions options{.max_layers = static_cast<std::uint32_t>(2 + random() % 3),
                           .max_tries = 800};
    const auto search = [&](std::uint64_t& num_tries) {
      MergeTree tree(atoms, ImageOverlap(atoms));
      num_tries = RegraftSubtrees(tree, rates, options);
      return TreeLayerProgram(tree, rates, options.max_layers).cost();
    };
    std::uint64_t most_tries = 0;
    const std::int64_t least = search(most_tries);
    const std::int64_t enough = least + static_cast<std::int64_t>(random() % 60);
    std::vector<std::int64_t> asked;
    options.enough_cost = [&](const MergeTree& tree, std::int64_t cost) {
      REQUIRE(cost == TreeLayerProgram(tree, rates, options.max_layers).cost());
      REQUIRE((asked.empty() || cost < asked.back()));
      asked.push_back(cost);
      return enough;
    };
    std::uint64_t num_tries = 0;
    const std::int64_t found = search(num_tries);
    REQUIRE(found <= enough);
    REQUIRE(found == asked.back());
    REQUIRE(num_tries <= most_tries);
    num_early += num_tries < most_tries ? 1 : 0;
  }
  CHECK(num_early > (kIsSanitized ? 0 : 30));
}

}  // namespace
}  // namespace gneiss
