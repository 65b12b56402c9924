#include "solver/carving/layer_carving.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "solver/carving/carving_bound.h"
#include "solver/carving/layer_family.h"
#include "tests/make/random_atoms.h"
#include "tests/make/rounds.h"

namespace gneiss {
namespace {

std::uint32_t Draw(std::mt19937_64& random, std::uint32_t below) {
  return static_cast<std::uint32_t>(random() % below);
}

constexpr std::int64_t kNoCarving = std::numeric_limits<std::int64_t>::max();

std::vector<std::uint32_t> ImagesOfMask(unsigned mask) {
  std::vector<std::uint32_t> images;
  for (std::uint32_t i = 0; mask >> i != 0; ++i) {
    if ((mask >> i & 1U) != 0) images.push_back(i);
  }
  return images;
}

// The cheapest of all carvings: each atom over each partition of its signature. Layers of equal
// users are one, which never costs more.
class AllCarvings {
 public:
  AllCarvings(const AtomTable& atoms, const RateModel& model, std::uint32_t max_layers)
      : atoms_(atoms), max_layers_(max_layers), num_layers_(atoms.num_images, 0) {
    SetRates rates(model);
    for (unsigned mask = 0; mask < 1U << atoms.num_images; ++mask) {
      rate_.push_back(rates.Of(ImagesOfMask(mask)));
      overhead_.push_back(model.layer_overhead * rates.PullsOf(ImagesOfMask(mask)));
    }
    bytes_.assign(rate_.size(), 0);
    num_atoms_.assign(rate_.size(), 0);
  }

  std::int64_t Least() {
    Visit(0, MaskOf(0));
    return least_;
  }

 private:
  unsigned MaskOf(AtomIndex a) const {
    unsigned mask = 0;
    if (a < atoms_.size()) {
      for (const std::uint32_t i : atoms_.signature(a)) mask |= 1U << i;
    }
    return mask;
  }

  void Visit(AtomIndex a, unsigned rest) {
    if (a == atoms_.size()) {
      Evaluate();
      return;
    }
    if (rest == 0) {
      Visit(a + 1, MaskOf(a + 1));
      return;
    }
    // The part with the lowest image left: that and any others.
    const unsigned lowest = rest & (~rest + 1);
    const unsigned others = rest ^ lowest;
    for (unsigned more = others;; more = (more - 1) & others) {
      const unsigned part = lowest | more;
      bytes_[part] += atoms_.bytes[a];
      ++num_atoms_[part];
      Visit(a, rest ^ part);
      bytes_[part] -= atoms_.bytes[a];
      --num_atoms_[part];
      if (more == 0) break;
    }
  }

  void Evaluate() {
    std::ranges::fill(num_layers_, 0);
    std::int64_t cost = 0;
    for (unsigned mask = 1; mask < rate_.size(); ++mask) {
      if (num_atoms_[mask] == 0) continue;
      cost += CostAtRate(bytes_[mask], rate_[mask]) + overhead_[mask];
      for (std::uint32_t i = 0; i < atoms_.num_images; ++i) {
        if ((mask >> i & 1U) != 0 && ++num_layers_[i] > max_layers_) return;
      }
    }
    least_ = std::min(least_, cost);
  }

  const AtomTable& atoms_;
  std::uint32_t max_layers_;
  std::vector<double> rate_;            // per set of images
  std::vector<std::int64_t> overhead_;  // per set of images
  std::vector<std::int64_t> bytes_;     // per set of images
  std::vector<int> num_atoms_;          // per set of images
  std::vector<std::uint32_t> num_layers_;
  std::int64_t least_ = kNoCarving;
};

void CheckCarving(const AtomTable& atoms, const RateModel& model, const LayerCarving& carving,
                  std::uint32_t max_layers) {
  CheckLayers(atoms, carving.layers, max_layers);
  REQUIRE(carving.cost == CostOfLayers(atoms, model, carving.layers));
  REQUIRE(carving.lower_bound <= carving.cost);
  REQUIRE((carving.status == CarvingStatus::kOptimal) == (carving.lower_bound == carving.cost));
}

std::int64_t FileLevelBytes(const AtomTable& atoms) {
  std::int64_t bytes = 0;
  for (const std::int64_t b : atoms.bytes) bytes += b;
  return bytes;
}

CarvingModel ModelOf(const AtomTable& atoms, std::uint32_t max_layers, SetRates& rates) {
  std::vector<std::vector<std::uint32_t>> members;
  for (std::uint32_t i = 0; i < atoms.num_images; ++i) members.push_back({i});
  return CarvingModel(atoms, std::vector<std::uint32_t>(atoms.num_images, max_layers),
                      std::move(members), rates);
}

// Compares with all carvings; returns the share of instances where the answer was the optimum.
double ShareOptimal(std::uint64_t seed, bool storage_alone) {
  std::mt19937_64 random(seed);
  int num_optimal = 0;
  constexpr int kRounds = NumRounds(300);
  for (int round = 0; round < kRounds; ++round) {
    const auto num_images = 1 + Draw(random, 4);
    const AtomTable atoms = RandomAtoms(random, num_images, 1 + Draw(random, 5));
    const RandomRates rates(random, num_images, storage_alone);
    const auto max_layers = 1 + Draw(random, 4);
    const LayerCarving carving =
        CarveLayers(atoms, rates.model, {.max_layers = max_layers, .num_moves = 300});
    CheckCarving(atoms, rates.model, carving, max_layers);
    const std::int64_t optimum = AllCarvings(atoms, rates.model, max_layers).Least();
    if (atoms.size() == 0) {
      REQUIRE(carving.cost == 0);
      ++num_optimal;
      continue;
    }
    REQUIRE(optimum != kNoCarving);
    REQUIRE(carving.lower_bound <= optimum);
    REQUIRE(carving.cost >= optimum);
    if (max_layers == 1) REQUIRE(carving.cost == optimum);
    SetRates set_rates(rates.model);
    REQUIRE(BoundCarving(ModelOf(atoms, max_layers, set_rates)) <= optimum);
    if (carving.cost == optimum) ++num_optimal;
  }
  return static_cast<double>(num_optimal) / kRounds;
}

TEST_CASE("Carving is the optimum of nearly all tiny instances, and its bound is below it in all",
          "[solver][layer_carving]") {
  CHECK(ShareOptimal(1, true) >= 0.99);
  CHECK(ShareOptimal(2, false) >= 0.95);
}

TEST_CASE("Carvings of any size cover each signature exactly within the limit of layers",
          "[solver][layer_carving]") {
  std::mt19937_64 random(3);
  for (int round = 0; round < 24; ++round) {
    // One size past a word of an IndexSet, or two.
    const auto num_images = 1 + Draw(random, round % 4 == 0 ? 70 : 20);
    const AtomTable atoms = RandomAtoms(random, num_images, 1 + Draw(random, 70));
    const RandomRates rates(random, num_images, round % 2 == 0);
    const auto max_layers = 1 + Draw(random, 12);
    const LayerCarving carving = CarveLayers(
        atoms, rates.model, {.max_layers = max_layers, .seed = random(), .num_moves = 100});
    CheckCarving(atoms, rates.model, carving, max_layers);
    if (round % 2 == 0) {
      REQUIRE(carving.lower_bound >= FileLevelBytes(atoms));
      REQUIRE(carving.storage_bytes == carving.cost);
    }
  }
}

TEST_CASE("Without a limit every atom is stored once, and that is optimal",
          "[solver][layer_carving]") {
  std::mt19937_64 random(4);
  for (int round = 0; round < 20; ++round) {
    const AtomTable atoms = RandomAtoms(random, 12, 30);
    const RandomRates rates(random, 12, true);
    const LayerCarving carving = CarveLayers(atoms, rates.model, {.num_moves = 50});
    CheckCarving(atoms, rates.model, carving, kNoLayerLimit);
    CHECK(carving.cost == FileLevelBytes(atoms));
    CHECK(carving.status == CarvingStatus::kOptimal);
  }
}

TEST_CASE("Layers that cost more than they save are not made, even without a limit",
          "[solver][layer_carving]") {
  // Two images share 10 bytes and have 100 of their own each.
  const AtomTable atoms{.num_images = 2,
                        .bytes = {10, 100, 100},
                        .first_image = {0, 2, 3, 4},
                        .images = {0, 1, 0, 1}};
  const std::vector<std::int64_t> pulls = {1, 1};
  RateModel model{.pulls = pulls};
  model.layer_overhead = 6;
  const LayerCarving carving = CarveLayers(atoms, model, {.num_moves = 20});
  CHECK(carving.layers == std::vector<CarvedLayer>{{{0}, {0, 1}}, {{1}, {0, 2}}});
  CHECK(carving.cost == 2 * 110 + 2 * 6);
  CHECK(carving.storage_bytes == 220);
}

TEST_CASE("A carving that is enough ends the search, and is asked for again where it is not",
          "[solver][layer_carving]") {
  std::mt19937_64 random(11);
  int num_early = 0;
  for (int round = 0; round < NumRounds(60); ++round) {
    const auto num_images = 3 + Draw(random, 8);
    const AtomTable atoms = RandomAtoms(random, num_images, 40);
    const RandomRates rates(random, num_images, round % 2 == 0);
    CarveOptions options{.max_layers = 2 + Draw(random, 3), .num_moves = 500};
    const LayerCarving full = CarveLayers(atoms, rates.model, options);
    std::vector<std::int64_t> asked;
    const auto enough = full.cost + static_cast<std::int64_t>(random() % 40);
    options.enough_cost = [&](const LayerCarving& so_far) {
      CheckLayers(atoms, so_far.layers, options.max_layers);
      REQUIRE(so_far.cost == CostOfLayers(atoms, rates.model, so_far.layers));
      REQUIRE(so_far.lower_bound == full.lower_bound);
      // Fractions of bytes, which the search does not round up, come on top of the others.
      if (round % 2 == 0) REQUIRE((asked.empty() || so_far.cost < asked.back()));
      asked.push_back(so_far.cost);
      // The first answer promises too much.
      return asked.size() == 1 ? so_far.cost - 1 : enough;
    };
    const LayerCarving carving = CarveLayers(atoms, rates.model, options);
    CheckCarving(atoms, rates.model, carving, options.max_layers);
    REQUIRE(carving.num_moves <= full.num_moves);
    if (carving.num_moves < full.num_moves) {
      REQUIRE(carving.status != CarvingStatus::kMovesDone);
      REQUIRE(carving.cost == asked.back());
      REQUIRE(carving.cost <= enough);
      ++num_early;
    } else {
      REQUIRE(carving.cost == full.cost);
    }
  }
  CHECK(num_early > (kIsSanitized ? 0 : 20));
}

TEST_CASE("With one layer each, images share it exactly when their contents are equal",
          "[solver][layer_carving]") {
  const AtomTable atoms{
      .num_images = 3, .bytes = {10, 7}, .first_image = {0, 3, 5}, .images = {0, 1, 2, 0, 2}};
  const std::vector<std::int64_t> pulls = {1, 1, 1};
  const RateModel model{.pulls = pulls};
  const LayerCarving carving = CarveLayers(atoms, model, {.max_layers = 1});
  CHECK(carving.layers == std::vector<CarvedLayer>{{{0, 2}, {0, 1}}, {{1}, {0}}});
  CHECK(carving.cost == 27);
  CHECK(carving.lower_bound == 27);
  CHECK(carving.status == CarvingStatus::kOptimal);
}

TEST_CASE("Pinned layers stay, count against the limit and are not made again",
          "[solver][layer_carving]") {
  std::mt19937_64 random(5);
  int num_infeasible = 0;
  for (int round = 0; round < NumRounds(200); ++round) {
    const auto num_images = 2 + Draw(random, 10);
    const AtomTable atoms = RandomAtoms(random, num_images, 20);
    const RandomRates rates(random, num_images, round % 2 == 0);
    // Image 0 keeps what it has, in two layers where it has two atoms; 1 is on the first of them
    // where it has all of it.
    std::vector<CarvedLayer> pinned(2);
    for (AtomIndex a = 0; a < atoms.size(); ++a) {
      const auto signature = atoms.signature(a);
      if (signature.front() != 0) continue;
      pinned[signature.size() > 1 && signature[1] == 1 ? 0 : 1].atoms.push_back(a);
    }
    pinned[0].images = {0, 1};
    pinned[1].images = {0};
    std::erase_if(pinned, [](const CarvedLayer& layer) { return layer.atoms.empty(); });
    const auto max_layers = 1 + Draw(random, 4);
    const LayerCarving carving = CarveLayers(
        atoms, rates.model, {.max_layers = max_layers, .pinned = pinned, .num_moves = 50});
    if (carving.status == CarvingStatus::kInfeasible) {
      ++num_infeasible;
      REQUIRE(carving.layers.empty());
      // Only image 0 and 1 lack room, and these only below three layers.
      REQUIRE(max_layers < 2);
      continue;
    }
    CheckCarving(atoms, rates.model, carving, max_layers);
    REQUIRE(std::equal(pinned.begin(), pinned.end(), carving.layers.begin()));
  }
  CHECK(num_infeasible > (kIsSanitized ? 0 : 10));
}

TEST_CASE("No layers allowed is infeasible unless there is nothing to carry",
          "[solver][layer_carving]") {
  const std::vector<std::int64_t> pulls = {1};
  const RateModel model{.pulls = pulls};
  const AtomTable nothing{.num_images = 1, .bytes = {}, .first_image = {0}, .images = {}};
  const AtomTable one{.num_images = 1, .bytes = {5}, .first_image = {0, 1}, .images = {0}};
  CHECK(CarveLayers(one, model, {.max_layers = 0}).status == CarvingStatus::kInfeasible);
  CHECK(CarveLayers(nothing, model, {.max_layers = 0}).status == CarvingStatus::kOptimal);
  CHECK(CarveLayers(nothing, model, {.max_layers = 3}).cost == 0);
}

TEST_CASE("A carving that is stopped at once is whole, and its bound holds",
          "[solver][layer_carving]") {
  std::mt19937_64 random(6);
  for (int round = 0; round < NumRounds(40); ++round) {
    const AtomTable atoms = RandomAtoms(random, 20, 60);
    const RandomRates rates(random, 20, round % 2 == 0);
    std::uint64_t num_polls = 0;
    const std::uint64_t last_poll = random() % 100;
    const LayerCarving carving =
        CarveLayers(atoms, rates.model,
                    {.max_layers = 3, .should_stop = [&] { return num_polls++ >= last_poll; }});
    CheckCarving(atoms, rates.model, carving, 3);
    REQUIRE(carving.status != CarvingStatus::kMovesDone);
    REQUIRE(carving.num_moves <= last_poll);
  }
}

TEST_CASE("Equal problems and seeds have equal carvings", "[solver][layer_carving]") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 4; ++round) {
    const AtomTable atoms = RandomAtoms(random, 30, 60);
    const RandomRates rates(random, 30, round % 2 == 0);
    const CarveOptions options{.max_layers = 4, .seed = random(), .num_moves = 500};
    const LayerCarving first = CarveLayers(atoms, rates.model, options);
    const LayerCarving second = CarveLayers(atoms, rates.model, options);
    REQUIRE(first.layers == second.layers);
    REQUIRE(first.lower_bound == second.lower_bound);
  }
}

TEST_CASE("Offered layers are taken where they are the better start", "[solver][layer_carving]") {
  std::mt19937_64 random(8);
  int num_better = 0;
  for (int round = 0; round < 10; ++round) {
    const AtomTable atoms = RandomAtoms(random, 20, 40);
    const RandomRates rates(random, 20, true);
    const LayerCarving far = CarveLayers(atoms, rates.model, {.max_layers = 5, .num_moves = 1000});
    std::vector<std::vector<std::uint32_t>> offered;
    for (const CarvedLayer& layer : far.layers) offered.push_back(layer.images);
    CarveOptions options{.max_layers = 5, .should_stop = [] { return true; }};
    const LayerCarving without = CarveLayers(atoms, rates.model, options);
    options.offered = offered;
    const LayerCarving with = CarveLayers(atoms, rates.model, options);
    CheckCarving(atoms, rates.model, with, 5);
    REQUIRE(with.cost <= without.cost);
    if (with.cost < without.cost) ++num_better;
  }
  CHECK(num_better >= (kIsSanitized ? 0 : 6));
}

TEST_CASE("Undone moves leave a family as it was", "[solver][layer_carving]") {
  std::mt19937_64 random(9);
  for (int round = 0; round < NumRounds(60); ++round) {
    const auto num_images = 3 + Draw(random, 70);
    const AtomTable atoms = RandomAtoms(random, num_images, 60);
    const RandomRates random_rates(random, num_images, round % 2 == 0);
    SetRates rates(random_rates.model);
    const CarvingModel model = ModelOf(atoms, 3, rates);
    LayerFamily family(model);
    const auto covers = [&] {
      std::vector<std::vector<std::vector<std::uint32_t>>> all;
      for (AtomIndex a = 0; a < model.num_atoms(); ++a) {
        all.emplace_back();
        for (const LayerId l : family.CoverOf(a)) {
          all.back().push_back(family.layer(l).users.ToVector());
        }
        std::ranges::sort(all.back());
      }
      return all;
    };
    const auto move = [&] {
      IndexSet users(num_images);
      for (std::uint32_t i = 0; i < num_images; ++i) {
        if (random() % 2 == 0) users.Insert(i);
      }
      const AtomIndex a = static_cast<AtomIndex>(random() % model.num_atoms());
      if (random() % 2 == 0) {
        users = model.signatures[a];
      } else {
        users &= model.signatures[a];
      }
      if (users.size() > 1) family.Add(users);
      const std::vector<LayerId> cover = family.CoverOf(a);
      const LayerId l = cover[random() % cover.size()];
      if (family.is_private(l)) return;
      if (random() % 2 == 0) {
        family.Drop(l);
      } else {
        IndexSet leaving(num_images);
        leaving.Insert(family.layer(l).first_user);
        family.Leave(l, leaving);
      }
    };
    for (int m = 0; m < 5; ++m) move();
    family.MarkBest();
    const auto best = covers();
    const double best_cost = family.cost();
    for (int m = 0; m < 10; ++m) {
      move();
      family.Commit();
      const auto before = covers();
      const double cost = family.cost();
      move();
      family.Undo();
      REQUIRE(covers() == before);
      REQUIRE(family.cost() == cost);
    }
    family.RestoreBest();
    REQUIRE(covers() == best);
    REQUIRE(family.cost() == best_cost);
  }
}

}  // namespace
}  // namespace gneiss
