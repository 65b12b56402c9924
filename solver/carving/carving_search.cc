#include "solver/carving/carving_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <queue>
#include <random>
#include <tuple>
#include <utility>

namespace gneiss {
namespace {

// Temperatures of the first and the last move, as parts of what an image costs above its bound in
// the mean.
constexpr double kFirstTemperature = 1;
constexpr double kLastTemperature = 0.001;

// Random part of the prices by which layers are ejected, so that chains differ.
constexpr double kPriceNoise = 0.5;

// The temperature falls so many times: what one fall freezes wrong, the next one may not.
constexpr double kNumCycles = 6;

// Of the draws of atoms, one in so many is uniform.
constexpr std::uint64_t kUniformDraws = 8;

constexpr int kTournament = 4;

// Where layers cost something by themselves, one move in so many only sheds one.
constexpr std::uint64_t kShedMoves = 3;

class Search {
 public:
  Search(LayerFamily& family, const CarvingSearchOptions& options)
      : family_(family), model_(family.model()), options_(options), random_(options.seed) {
    double sum = 0;
    cumulated_.reserve(model_.num_atoms());
    for (AtomIndex a = 0; a < model_.num_atoms(); ++a) {
      const std::uint32_t size = model_.signatures[a].size();
      // Atoms of one image are in its private layer at no excess.
      sum += static_cast<double>(model_.bytes[a]) * (size - 1);
      cumulated_.push_back(sum);
      floor_ += static_cast<double>(model_.bytes[a]) * model_.signature_rates[a];
    }
  }

  CarvingSearchResult Run() {
    CarvingSearchResult result;
    family_.MarkBest();
    if (cumulated_.empty() || cumulated_.back() == 0 || IsEnough()) return result;
    double best = family_.cost();
    const double first = kFirstTemperature * (best - floor_) / model_.num_images;
    first_work_ = family_.work();
    for (; result.num_moves < options_.num_moves; ++result.num_moves) {
      if (options_.should_stop && options_.should_stop()) {
        result.stopped = true;
        break;
      }
      const double progress = Progress(result.num_moves);
      if (progress >= 1) break;
      const double in_cycle = progress * kNumCycles - std::floor(progress * kNumCycles);
      const double temperature = first * std::pow(kLastTemperature / kFirstTemperature, in_cycle);
      const double before = family_.cost();
      if (!Move() || family_.cost() - before > -temperature * std::log(Uniform())) {
        family_.Undo();
        continue;
      }
      family_.Commit();
      if (family_.cost() < best * (1 - 1e-12)) {
        best = family_.cost();
        family_.MarkBest();
        if (IsEnough()) break;
      }
    }
    family_.RestoreBest();
    return result;
  }

 private:
  bool IsEnough() const { return options_.is_enough && options_.is_enough(); }

  double Progress(std::uint64_t num_moves) const {
    const double moves = static_cast<double>(num_moves) / static_cast<double>(options_.num_moves);
    if (options_.max_work == 0) return moves;
    return std::max(moves, static_cast<double>(family_.work() - first_work_) /
                               static_cast<double>(options_.max_work));
  }

  std::uint64_t Below(std::uint64_t bound) { return random_() % bound; }
  // In (0, 1].
  double Uniform() { return static_cast<double>((random_() >> 11) + 1) * 0x1p-53; }

  // By weight, and now and then any: light ones have to find their place, too.
  AtomIndex DrawAtom() {
    if (Below(kUniformDraws) == 0) return static_cast<AtomIndex>(Below(model_.num_atoms()));
    const double at = (1 - Uniform()) * cumulated_.back();
    const auto found = std::ranges::upper_bound(cumulated_, at);
    return static_cast<AtomIndex>(
        std::min<std::ptrdiff_t>(found - cumulated_.begin(), std::ssize(cumulated_) - 1));
  }

  double Excess(AtomIndex a) const {
    return static_cast<double>(model_.bytes[a]) * family_.ExcessRate(a);
  }

  // The one with the largest excess of a few.
  AtomIndex DrawCostlyAtom() {
    AtomIndex best = DrawAtom();
    if (Below(kUniformDraws) == 0) return best;
    for (int t = 1; t < kTournament; ++t) {
      const AtomIndex a = DrawAtom();
      if (Excess(a) > Excess(best)) best = a;
    }
    return best;
  }

  LayerId DrawLayerOf(AtomIndex a) {
    const std::vector<LayerId> cover = family_.CoverOf(a);
    return cover[Below(cover.size())];
  }

  std::uint32_t DrawImageOf(const IndexSet& images) {
    std::uint64_t left = Below(images.size());
    std::uint32_t drawn = 0;
    images.ForEach([&](std::uint32_t i) {
      if (left-- == 0) drawn = i;
    });
    return drawn;
  }

  // Part of the layers of an atom as one.
  IndexSet DrawUnion(AtomIndex a) {
    std::vector<LayerId> cover = family_.CoverOf(a);
    IndexSet users(model_.num_images);
    const std::uint64_t take = cover.size() < 3 ? 2 : 2 + Below(cover.size() - 1);
    for (std::uint64_t t = 0; t < take && !cover.empty(); ++t) {
      const std::size_t at = Below(cover.size());
      users |= family_.layer(cover[at]).users;
      cover[at] = cover.back();
      cover.pop_back();
    }
    return users;
  }

  IndexSet DrawUsers() {
    const AtomIndex a = DrawCostlyAtom();
    const IndexSet& signature = model_.signatures[a];
    const std::uint64_t kind = Below(100);
    if (kind < 25) return signature;
    if (kind < 50) return DrawUnion(a);
    if (kind < 65) return signature & model_.signatures[DrawAtom()];
    const std::uint32_t i = DrawImageOf(signature);
    if (kind < 75) {
      const auto layers = family_.layers_of(i);
      return signature & family_.layer(layers[Below(layers.size())]).users;
    }
    IndexSet users = family_.layer(DrawLayerOf(a)).users;
    if (kind < 90) {
      users.Insert(i);
    } else {
      users.Erase(i);
    }
    return users;
  }

  // A layer less, for all of its users or for one of them.
  bool Shed() {
    const LayerId l = DrawLayerOf(DrawAtom());
    if (family_.is_private(l)) {
      if (family_.VacateCost(l) == std::numeric_limits<double>::infinity()) return false;
      family_.Vacate(l);
    } else if (family_.layer(l).num_users < 3 || Below(2) == 0) {
      family_.Drop(l);
    } else {
      IndexSet leaving(model_.num_images);
      leaving.Insert(DrawImageOf(family_.layer(l).users));
      family_.Leave(l, leaving);
    }
    return Eject(IndexSet(model_.num_images));
  }

  bool Move() {
    if (model_.rate_model().layer_overhead > 0 && Below(kShedMoves) == 0) return Shed();
    if (Below(10) == 0) {
      const LayerId l = DrawLayerOf(DrawAtom());
      if (!family_.is_private(l)) family_.Drop(l);
    }
    const IndexSet users = DrawUsers();
    if (users.size() < 2 || family_.Find(users) != kNoLayer) return false;
    const LayerId added = family_.Add(users);
    return added != kNoLayer && Eject(users);
  }

  // One way to relieve overfull images.
  struct Ejection {
    LayerId layer = kNoLayer;
    IndexSet leaving;  // empty: the private layer `layer` is vacated
    double price = std::numeric_limits<double>::infinity();  // per image relieved
  };

  // Relieves overfull images without closing the layer of `kept_users`; false when it finds no way.
  bool Eject(const IndexSet& kept_users) {
    for (std::uint32_t budget = 2 * model_.num_images + 8; !family_.overfull().empty(); --budget) {
      if (budget == 0) return false;
      const Ejection ejection = CheapestEjection(DrawImageOf(family_.overfull()), kept_users);
      if (ejection.layer == kNoLayer) return false;
      if (ejection.leaving.empty()) {
        family_.Vacate(ejection.layer);
      } else if (ejection.leaving == family_.layer(ejection.layer).users) {
        family_.Drop(ejection.layer);
      } else {
        family_.Leave(ejection.layer, ejection.leaving);
      }
    }
    return true;
  }

  Ejection CheapestEjection(std::uint32_t i, const IndexSet& kept_users) {
    Ejection best;
    const auto consider = [&](LayerId l, IndexSet leaving, double price) {
      if (price < best.price) best = {l, std::move(leaving), price};
    };
    const std::vector<LayerId> layers(family_.layers_of(i).begin(), family_.layers_of(i).end());
    for (const LayerId l : layers) {
      const double noise = 1 + kPriceNoise * Uniform();
      if (family_.is_private(l)) {
        consider(l, {}, family_.VacateCost(i) * noise);
        continue;
      }
      const LayerFamily::Layer& layer = family_.layer(l);
      if (layer.users == kept_users) continue;
      const IndexSet relieved = layer.users & family_.overfull();
      consider(l, layer.users, family_.DropCost(l) * noise / relieved.size());
      // An image without a private layer would only get one for the other.
      IndexSet leaving(model_.num_images);
      relieved.ForEach([&](std::uint32_t r) {
        if (family_.layer(r).is_open()) leaving.Insert(r);
      });
      if (!leaving.Contains(i) || leaving == layer.users) continue;
      consider(l, leaving, family_.LeaveCost(l, leaving) * noise / leaving.size());
    }
    return best;
  }

  LayerFamily& family_;
  const CarvingModel& model_;
  const CarvingSearchOptions& options_;
  std::mt19937_64 random_;
  std::vector<double> cumulated_;  // per atom: of its weight in draws and those before it
  double floor_ = 0;
  std::uint64_t first_work_ = 0;
};

// What closing a layer costs per image that it relieves; infinite when it relieves none.
double ClosingPrice(LayerFamily& family, LayerId l) {
  const std::uint32_t relieved = (family.layer(l).users & family.overfull()).size();
  if (relieved == 0) return std::numeric_limits<double>::infinity();
  return family.DropCost(l) / relieved;
}

std::vector<LayerId> SharedLayersOf(const LayerFamily& family, const IndexSet& images) {
  std::vector<LayerId> layers;
  images.ForEach([&](std::uint32_t i) {
    for (const LayerId l : family.layers_of(i)) {
      if (!family.is_private(l)) layers.push_back(l);
    }
  });
  std::ranges::sort(layers);
  layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
  return layers;
}

// The layer with the least bytes first, until none is left whose closing pays.
void CloseNeedless(LayerFamily& family) {
  IndexSet all(family.model().num_images);
  for (std::uint32_t i = 0; i < family.model().num_images; ++i) all.Insert(i);
  std::vector<LayerId> layers = SharedLayersOf(family, all);
  std::ranges::stable_sort(layers, {}, [&](LayerId l) { return family.layer(l).bytes; });
  for (const LayerId l : layers) {
    if (!family.layer(l).is_open() || family.DropCost(l) >= family.layer(l).overhead) continue;
    const double before = family.cost();
    family.Drop(l);
    if (family.cost() < before) {
      family.Commit();
    } else {
      family.Undo();
    }
  }
}

}  // namespace

void CloseLayers(LayerFamily& family) {
  // Prices mostly rise while layers close, so one that is still the lowest when it is computed
  // anew is taken.
  using Entry = std::pair<double, LayerId>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  const auto push = [&](LayerId l) {
    const double price = ClosingPrice(family, l);
    if (price < std::numeric_limits<double>::infinity()) queue.push({price, l});
  };
  while (!family.overfull().empty()) {
    if (queue.empty()) {
      for (const LayerId l : SharedLayersOf(family, family.overfull())) push(l);
    }
    const auto [price, l] = queue.top();
    queue.pop();
    if (!family.layer(l).is_open()) continue;
    const double now = ClosingPrice(family, l);
    if (now == std::numeric_limits<double>::infinity()) continue;
    if (!queue.empty() && now > queue.top().first) {
      queue.push({now, l});
      continue;
    }
    family.Drop(l);
    family.Commit();
  }
  family.Commit();
  if (family.model().rate_model().layer_overhead > 0) CloseNeedless(family);
}

CarvingSearchResult SearchLayers(LayerFamily& family, const CarvingSearchOptions& options) {
  return Search(family, options).Run();
}

}  // namespace gneiss
