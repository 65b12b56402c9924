#include "planner/carve/new_bases.h"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "planner/fleet/bytes.h"
#include "solver/carving/merge_tree.h"
#include "solver/carving/merge_tree_layers.h"
#include "solver/carving/merge_tree_search.h"

namespace gneiss {
namespace {

LayoutCost Difference(const LayoutCost& a, const LayoutCost& b) {
  LayoutCost difference;
  difference.cost = a.cost - b.cost;
  difference.storage_bytes = a.storage_bytes - b.storage_bytes;
  difference.transfer_bytes = a.transfer_bytes - b.transfer_bytes;
  return difference;
}

// What a layer saves against each layer above it having its contents.
void CountSavings(const ContentProblem& problem, const GeneratedLayout& layout,
                  const std::vector<std::vector<std::uint32_t>>& of_image, NewBase& base) {
  const GeneratedLayer& layer = layout.layers[base.layer];
  std::map<std::uint32_t, std::vector<ImageIndex>> above;  // next layer: its images here
  for (const ImageIndex i : layer.images) {
    const auto here = std::ranges::find(of_image[i], base.layer);
    // An image that is no more than the base has a layer of its own then.
    const bool is_last = std::next(here) == of_image[i].end();
    above[is_last ? kNone : *std::next(here)].push_back(i);
  }
  LayoutCost apart;
  for (const auto& [next, images] : above) {
    LayoutCost cost = problem.CostOfBlob(layer.size(), images);
    if (next != kNone) {
      cost.cost -= cost.overhead_bytes;  // that layer is fetched anyway
      base.saves_layers -= std::ssize(images);
    }
    apart.cost = CheckedAdd(apart.cost, cost.cost);
    apart.storage_bytes = CheckedAdd(apart.storage_bytes, cost.storage_bytes);
    apart.transfer_bytes = CheckedAdd(apart.transfer_bytes, cost.transfer_bytes);
  }
  const LayoutCost saved = Difference(apart, problem.CostOfBlob(layer.size(), layer.images));
  base.saves_cost = saved.cost;
  base.saves_storage_bytes = saved.storage_bytes;
  base.saves_transfer_bytes = saved.transfer_bytes;
}

// Layers of several images, in the order of a walk down the bases.
std::vector<NewBase> ListBases(const ContentProblem& problem, const GeneratedLayout& layout) {
  const auto of_image = layout.LayersOfImages(problem.atoms().known.size());
  std::vector<NewBase> found;
  std::vector<std::uint32_t> base_of_layer(layout.layers.size(), kNone);
  for (std::uint32_t j = 0; j < layout.layers.size(); ++j) {
    const std::vector<ImageIndex>& images = layout.layers[j].images;
    if (images.size() < 2) continue;
    NewBase base{.layer = j, .size = layout.layers[j].size()};
    const std::vector<std::uint32_t>& chain = of_image[images.front()];
    const auto here = std::ranges::find(chain, j);
    // Sets of images are nested, but where directories took an image out of one.
    if (here != chain.begin() &&
        std::ranges::includes(layout.layers[*std::prev(here)].images, images)) {
      base.parent = base_of_layer[*std::prev(here)];
      if (base.parent != kNone) base.size = CheckedAdd(base.size, found[base.parent].size);
    }
    CountSavings(problem, layout, of_image, base);
    base_of_layer[j] = static_cast<std::uint32_t>(found.size());
    found.push_back(base);
  }
  // Parents first, those that save most first.
  std::vector<std::vector<std::uint32_t>> above(found.size());
  std::vector<std::uint32_t> open;
  for (std::uint32_t b = 0; b < found.size(); ++b) {
    (found[b].parent == kNone ? open : above[found[b].parent]).push_back(b);
  }
  const auto least_first = [&](std::vector<std::uint32_t>& list) {
    std::ranges::stable_sort(list, [&](std::uint32_t a, std::uint32_t b) {
      return found[a].saves_cost != found[b].saves_cost ? found[a].saves_cost < found[b].saves_cost
                                                        : a > b;
    });
  };
  least_first(open);
  std::vector<NewBase> bases;
  std::vector<std::uint32_t> place(found.size(), kNone);
  while (!open.empty()) {
    const std::uint32_t b = open.back();
    open.pop_back();
    place[b] = static_cast<std::uint32_t>(bases.size());
    bases.push_back(found[b]);
    if (found[b].parent != kNone) bases.back().parent = place[found[b].parent];
    least_first(above[b]);
    open.insert(open.end(), above[b].begin(), above[b].end());
  }
  return bases;
}

// Every corner but the last has fewer bases than are best; that alone where no other is wanted.
std::vector<BasesChoice> FindCorners(const MergeTree& tree, SetRates& rates,
                                     const NewBasesOptions& options,
                                     const std::function<bool()>& should_stop) {
  if (options.num_bases > 0 || options.wants_frontier) {
    return BaseFrontier(tree, rates, options.max_layers, should_stop);
  }
  return {{.layers = TreeLayerProgram(tree, rates, options.max_layers).Choose()}};
}

// The one with the most bases that fit.
const BasesChoice& ChooseCorner(const std::vector<BasesChoice>& corners,
                                const NewBasesOptions& options) {
  const auto fits = [&](const BasesChoice& choice) {
    return options.num_bases == 0 || choice.num_bases <= options.num_bases;
  };
  const auto chosen = std::find_if(corners.rbegin(), corners.rend(), fits);
  if (chosen == corners.rend()) throw std::logic_error("no choice of bases is left");
  return *chosen;
}

}  // namespace

NewBases PlanNewBases(const ContentProblem& problem, const NewBasesOptions& options) {
  if (options.num_bases > problem.num_images()) {
    throw InputError(
        fmt::format("{} bases are more than there are images with known contents that are not "
                    "pinned: expected 1 to {}",
                    options.num_bases, problem.num_images()));
  }
  bool was_stopped = false;
  const auto should_stop = [&] {
    was_stopped = was_stopped || (options.should_stop && options.should_stop());
    return was_stopped;
  };
  SetRates rates(problem.rates());
  MergeTree tree(problem.files(), ImageOverlap(problem.files()));
  const Bytes bound = problem.floor().cost - problem.kept().cost;
  RegraftOptions regraft{.max_layers = options.max_layers, .should_stop = should_stop};
  if (problem.has_gap_tolerance()) {
    regraft.enough_cost = [&](const MergeTree& so_far, std::int64_t cost) {
      const std::vector<BasesChoice> corners = FindCorners(so_far, rates, options, should_stop);
      return problem.EnoughCost(LayersOfTree(so_far, ChooseCorner(corners, options).layers),
                                options.max_layers, bound, cost);
    };
  }
  RegraftSubtrees(tree, rates, regraft);
  const std::vector<BasesChoice> corners = FindCorners(tree, rates, options, should_stop);
  NewBases result;
  result.plan = problem.Finish(LayersOfTree(tree, ChooseCorner(corners, options).layers),
                               options.max_layers, bound, was_stopped);
  result.bases = ListBases(problem, result.plan.layout);
  if (options.wants_frontier) {
    for (const BasesChoice& choice : corners) {
      result.frontier.push_back(
          {choice.num_bases, problem.CostOfCarved(LayersOfTree(tree, choice.layers))});
    }
  }
  return result;
}

std::vector<Recommendation> RecommendNewBases(const NewBases& bases) {
  std::vector<Recommendation> recommendations;
  for (std::size_t b = 0; b < bases.bases.size(); ++b) {
    const NewBase& base = bases.bases[b];
    recommendations.push_back({.kind = RecommendationKind::kNewBase,
                               .effort = Effort::kChangeFrom,
                               .saves_cost = base.saves_cost,
                               .saves_storage_bytes = base.saves_storage_bytes,
                               .saves_transfer_bytes = base.saves_transfer_bytes,
                               .saves_layers = base.saves_layers,
                               .images = bases.plan.layout.layers[base.layer].images,
                               .base = b});
  }
  std::ranges::stable_sort(recommendations, std::ranges::greater{}, &Recommendation::saves_cost);
  for (std::size_t r = 0; r < recommendations.size(); ++r) {
    recommendations[r].id = fmt::format("N{}", r + 1);
  }
  return recommendations;
}

}  // namespace gneiss
