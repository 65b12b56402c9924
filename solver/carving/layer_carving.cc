#include "solver/carving/layer_carving.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "solver/carving/carving_bound.h"
#include "solver/carving/carving_search.h"
#include "solver/carving/merge_tree.h"
#include "solver/carving/merge_tree_layers.h"
#include "solver/carving/merge_tree_search.h"

namespace gneiss {
namespace {

// Layers of an image that greedy closing starts from: more, and it would look at all pairs.
constexpr std::uint64_t kStartFactor = 3;
constexpr std::uint64_t kStartMargin = 30;

// What the search may do when the caller does not say (LayerFamily::work()): more on larger
// problems, where moves are dearer.
constexpr std::uint64_t kMostMoves = 1'000'000;
constexpr std::uint64_t kMovesPerPlace = 400;
constexpr std::uint64_t kLeastWork = 200'000'000;
constexpr std::uint64_t kMostWork = 1'600'000'000;
constexpr std::uint64_t kWorkPerPlace = 20'000;  // places: atoms of images

// Regrafts of the tree that a search of few moves starts from.
constexpr std::uint64_t kTreeTries = 300;

constexpr std::uint32_t kBoundSteps = 60;
constexpr std::uint64_t kBoundBudget = 20'000'000;  // steps * places

// What pinned layers leave to be carved: atoms without the images that have them already. Images
// keep their indices; atoms of equal signatures are one.
struct Remainder {
  AtomTable table;
  std::vector<std::vector<AtomIndex>> atoms;  // per atom of `table`: those that it stands for
  std::vector<std::uint32_t> max_layers;      // per image
  bool is_feasible = true;
};

Remainder SubtractPinned(const AtomTable& atoms, const CarveOptions& options) {
  Remainder remainder;
  remainder.max_layers.assign(atoms.num_images, options.max_layers);
  std::vector<std::vector<std::uint32_t>> served(atoms.size());
  for (const CarvedLayer& layer : options.pinned) {
    for (const std::uint32_t i : layer.images) {
      if (remainder.max_layers[i] == 0) {
        remainder.is_feasible = false;
      } else if (options.max_layers != kNoLayerLimit) {
        --remainder.max_layers[i];
      }
    }
    for (const AtomIndex a : layer.atoms) {
      served[a].insert(served[a].end(), layer.images.begin(), layer.images.end());
    }
  }
  std::map<std::vector<std::uint32_t>, std::vector<AtomIndex>> by_signature;
  for (AtomIndex a = 0; a < atoms.size(); ++a) {
    std::ranges::sort(served[a]);
    std::vector<std::uint32_t> signature;
    std::ranges::set_difference(atoms.signature(a), served[a], std::back_inserter(signature));
    if (!signature.empty()) by_signature[std::move(signature)].push_back(a);
  }
  remainder.table.num_images = atoms.num_images;
  remainder.table.first_image.push_back(0);
  for (auto& [signature, members] : by_signature) {
    std::int64_t bytes = 0;
    for (const AtomIndex a : members) bytes += atoms.bytes[a];
    for (const std::uint32_t i : signature) {
      if (remainder.max_layers[i] == 0) remainder.is_feasible = false;
    }
    remainder.table.bytes.push_back(bytes);
    remainder.table.images.insert(remainder.table.images.end(), signature.begin(), signature.end());
    remainder.table.first_image.push_back(remainder.table.images.size());
    remainder.atoms.push_back(std::move(members));
  }
  return remainder;
}

// Images with equal atoms and room, in the order of their first ones; images without atoms apart.
std::vector<std::vector<std::uint32_t>> GroupTwins(const Remainder& remainder) {
  std::vector<std::vector<std::uint32_t>> having(remainder.table.num_images);
  for (AtomIndex a = 0; a < remainder.table.size(); ++a) {
    for (const std::uint32_t i : remainder.table.signature(a)) having[i].push_back(a);
  }
  std::map<std::pair<std::vector<std::uint32_t>, std::uint32_t>, std::size_t> group_of;
  std::vector<std::vector<std::uint32_t>> groups;
  for (std::uint32_t i = 0; i < having.size(); ++i) {
    if (having[i].empty()) continue;
    const auto [found, is_new] = group_of.try_emplace(
        std::pair(std::move(having[i]), remainder.max_layers[i]), groups.size());
    if (is_new) groups.emplace_back();
    groups[found->second].push_back(i);
  }
  return groups;
}

// The remainder with a group of twins for each image.
CarvingModel ModelOfTwins(const Remainder& remainder,
                          std::vector<std::vector<std::uint32_t>> groups, SetRates& rates) {
  AtomTable table{.num_images = static_cast<std::uint32_t>(groups.size()),
                  .bytes = remainder.table.bytes};
  std::vector<std::uint32_t> group_of(remainder.table.num_images, 0);
  std::vector<std::uint32_t> room;
  for (std::uint32_t g = 0; g < groups.size(); ++g) {
    for (const std::uint32_t i : groups[g]) group_of[i] = g;
    room.push_back(remainder.max_layers[groups[g].front()]);
  }
  table.first_image.push_back(0);
  for (AtomIndex a = 0; a < remainder.table.size(); ++a) {
    for (const std::uint32_t i : remainder.table.signature(a)) {
      if (groups[group_of[i]].front() == i) table.images.push_back(group_of[i]);
    }
    std::sort(table.images.begin() + static_cast<std::ptrdiff_t>(table.first_image.back()),
              table.images.end());
    table.first_image.push_back(table.images.size());
  }
  return CarvingModel(table, std::move(room), std::move(groups), rates);
}

CarvingModel ModelOfImages(const Remainder& remainder, SetRates& rates) {
  std::vector<std::vector<std::uint32_t>> members(remainder.table.num_images);
  for (std::uint32_t i = 0; i < members.size(); ++i) members[i] = {i};
  return CarvingModel(remainder.table, remainder.max_layers, std::move(members), rates);
}

// Signatures that are worth a layer most, as many as an image may start with.
std::vector<IndexSet> MostSharedSignatures(const CarvingModel& model) {
  std::vector<AtomIndex> order;
  std::vector<double> saving(model.num_atoms());
  for (AtomIndex a = 0; a < model.num_atoms(); ++a) {
    const std::uint32_t size = model.signatures[a].size();
    saving[a] = static_cast<double>(model.bytes[a]) * (size - 1);
    if (size > 1) order.push_back(a);
  }
  std::ranges::stable_sort(order, std::greater{}, [&](AtomIndex a) { return saving[a]; });
  std::vector<std::uint64_t> num_layers(model.num_images, 0);
  std::vector<IndexSet> chosen;
  for (const AtomIndex a : order) {
    bool has_room = true;
    model.signatures[a].ForEach([&](std::uint32_t i) {
      has_room &= num_layers[i] < kStartFactor * model.room[i] + kStartMargin;
    });
    if (!has_room) continue;
    model.signatures[a].ForEach([&](std::uint32_t i) { ++num_layers[i]; });
    chosen.push_back(model.signatures[a]);
  }
  return chosen;
}

// Sets of images as sets of twins: those with all of their images in the set.
std::vector<IndexSet> AsTwins(const CarvingModel& model,
                              std::span<const std::vector<std::uint32_t>> sets) {
  std::vector<IndexSet> of;
  std::unordered_set<IndexSet, IndexSet::Hash> distinct;
  for (const std::vector<std::uint32_t>& images : sets) {
    IndexSet set(model.num_images);
    for (std::uint32_t g = 0; g < model.num_images; ++g) {
      if (std::ranges::includes(images, model.members[g])) set.Insert(g);
    }
    if (set.size() > 1 && distinct.insert(set).second) of.push_back(std::move(set));
  }
  return of;
}

class Carver {
 public:
  Carver(const AtomTable& atoms, const RateModel& rate_model, const CarveOptions& options)
      : atoms_(atoms), rate_model_(rate_model), options_(options), rates_(rate_model) {}

  LayerCarving Carve() {
    const Remainder remainder = SubtractPinned(atoms_, options_);
    if (!remainder.is_feasible) return {.status = CarvingStatus::kInfeasible};
    carving_.layers.assign(options_.pinned.begin(), options_.pinned.end());
    carving_.lower_bound = CostOfLayers(atoms_, rate_model_, options_.pinned);
    if (remainder.table.size() > 0) CarveRemainder(remainder);
    carving_.cost = CostOfLayers(atoms_, rate_model_, carving_.layers);
    if (is_exact_) carving_.lower_bound = carving_.cost;
    RateModel storage_model = rate_model_;
    storage_model.storage_weight = 1;
    storage_model.fetch_weight = 0;
    storage_model.layer_overhead = 0;
    carving_.storage_bytes = CostOfLayers(atoms_, storage_model, carving_.layers);
    if (carving_.cost == carving_.lower_bound) {
      carving_.status = CarvingStatus::kOptimal;
    } else {
      carving_.status = is_enough_ ? CarvingStatus::kEnough
                        : stopped_ ? CarvingStatus::kStopped
                                   : CarvingStatus::kMovesDone;
    }
    return std::move(carving_);
  }

 private:
  void CarveRemainder(const Remainder& remainder) {
    const CarvingModel model = ModelOfTwins(remainder, GroupTwins(remainder), rates_);
    // One layer each: the contents of an image, which twins share.
    is_exact_ = std::ranges::all_of(model.room, [](std::uint32_t r) { return r == 1; });
    const std::unique_ptr<LayerFamily> family = Start(remainder, model);
    if (!is_exact_) {
      carving_.lower_bound += Bound(remainder);
      const CarvingSearchResult search = SearchLayers(
          *family, {.num_moves = options_.num_moves > 0 ? options_.num_moves : MostMoves(model),
                    .max_work = options_.num_moves > 0 ? 0 : MostWork(model),
                    .seed = options_.seed,
                    .should_stop = options_.should_stop,
                    .is_enough = [&] { return IsEnough(remainder, *family); }});
      carving_.num_moves = search.num_moves;
      stopped_ = search.stopped;
    }
    carving_.layers = LayersWith(remainder, *family);
  }

  bool IsEnough(const Remainder& remainder, const LayerFamily& family) {
    // The family counts no bytes of rounding, and no pinned layers: it costs no more than carved.
    if (!options_.enough_cost || family.cost() > static_cast<double>(enough_cost_)) return false;
    LayerCarving carving{.layers = LayersWith(remainder, family),
                         .lower_bound = carving_.lower_bound};
    carving.cost = CostOfLayers(atoms_, rate_model_, carving.layers);
    enough_cost_ = options_.enough_cost(carving);
    is_enough_ = carving.cost <= enough_cost_;
    return is_enough_;
  }

  // The better of: layers of atoms closed one by one; the offered sets, or without any those of the
  // merge tree.
  std::unique_ptr<LayerFamily> Start(const Remainder& remainder, const CarvingModel& model) {
    auto family = std::make_unique<LayerFamily>(model, MostSharedSignatures(model));
    CloseLayers(*family);
    const auto try_sets = [&](const std::vector<IndexSet>& sets) {
      if (sets.empty()) return;
      auto other = std::make_unique<LayerFamily>(model, sets);
      CloseLayers(*other);
      if (other->cost() < family->cost()) family.swap(other);
    };
    std::vector<std::vector<std::uint32_t>> sets(options_.offered.begin(), options_.offered.end());
    const std::uint32_t least_room = *std::ranges::min_element(model.room);
    if (sets.empty() && least_room > 1) sets = SetsOfTree(remainder, least_room);
    try_sets(AsTwins(model, sets));
    return family;
  }

  std::vector<std::vector<std::uint32_t>> SetsOfTree(const Remainder& remainder,
                                                     std::uint32_t max_layers) {
    MergeTree tree(remainder.table, ImageOverlap(remainder.table));
    RegraftSubtrees(tree, rates_,
                    {.max_layers = max_layers,
                     .max_tries = options_.num_moves > 0 ? kTreeTries : 0,
                     .should_stop = options_.should_stop});
    std::vector<std::vector<std::uint32_t>> sets;
    for (const TreeNode v : TreeLayerProgram(tree, rates_, max_layers).Choose().chosen) {
      sets.push_back(tree.images_below(v));
    }
    return sets;
  }

  static std::uint64_t MostMoves(const CarvingModel& model) {
    return std::min(kMostMoves, kMovesPerPlace * (1 + NumPlaces(model)));
  }

  static std::uint64_t MostWork(const CarvingModel& model) {
    return std::clamp(kWorkPerPlace * NumPlaces(model), kLeastWork, kMostWork);
  }

  static std::uint64_t NumPlaces(const CarvingModel& model) {
    std::uint64_t places = 0;
    for (const std::vector<AtomIndex>& having : model.having) places += having.size();
    return places;
  }

  // The pinned layers and those of the family.
  std::vector<CarvedLayer> LayersWith(const Remainder& remainder, const LayerFamily& family) const {
    std::vector<CarvedLayer> layers;
    std::unordered_map<LayerId, std::size_t> layer_of;
    for (AtomIndex a = 0; a < family.model().num_atoms(); ++a) {
      for (const LayerId l : family.CoverOf(a)) {
        const auto [found, is_new] = layer_of.try_emplace(l, layers.size());
        if (is_new) {
          layers.push_back({.images = family.model().MembersOf(family.layer(l).users)});
          std::ranges::sort(layers.back().images);
        }
        std::vector<AtomIndex>& of = layers[found->second].atoms;
        of.insert(of.end(), remainder.atoms[a].begin(), remainder.atoms[a].end());
      }
    }
    for (CarvedLayer& layer : layers) std::ranges::sort(layer.atoms);
    std::ranges::sort(layers);
    layers.insert(layers.begin(), options_.pinned.begin(), options_.pinned.end());
    return layers;
  }

  std::int64_t Bound(const Remainder& remainder) {
    const CarvingModel model = ModelOfImages(remainder, rates_);
    const std::uint64_t steps = kBoundBudget / std::max<std::uint64_t>(1, NumPlaces(model));
    return BoundCarving(
        model,
        {.num_steps = static_cast<std::uint32_t>(std::min<std::uint64_t>(kBoundSteps, steps)),
         .should_stop = options_.should_stop});
  }

  const AtomTable& atoms_;
  const RateModel& rate_model_;
  const CarveOptions& options_;
  SetRates rates_;
  LayerCarving carving_;
  bool is_exact_ = true;
  bool stopped_ = false;
  bool is_enough_ = false;
  std::int64_t enough_cost_ = std::numeric_limits<std::int64_t>::max();
};

}  // namespace

LayerCarving CarveLayers(const AtomTable& atoms, const RateModel& rates,
                         const CarveOptions& options) {
  return Carver(atoms, rates, options).Carve();
}

std::int64_t CostOfLayers(const AtomTable& atoms, const RateModel& rates,
                          std::span<const CarvedLayer> layers) {
  SetRates set_rates(rates);
  std::int64_t cost = 0;
  for (const CarvedLayer& layer : layers) {
    std::int64_t bytes = 0;
    for (const AtomIndex a : layer.atoms) bytes += atoms.bytes[a];
    cost += CostAtRate(bytes, set_rates.Of(layer.images)) +
            rates.layer_overhead * set_rates.PullsOf(layer.images);
  }
  return cost;
}

}  // namespace gneiss
