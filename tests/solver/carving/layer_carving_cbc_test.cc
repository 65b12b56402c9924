#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/random_atoms.h"
#include "tests/make/rounds.h"
#ifdef GNEISS_HAVE_CBC
#include "tests/make/binary_program.h"
#endif

namespace gneiss {
namespace {

#ifdef GNEISS_HAVE_CBC

// Carving as a set partition: y_U opens a layer for the images U, x_aU puts atom a into it.
//
//     min  sum bytes_a * rate(U) * x_aU + layer_overhead * pulls(U) * y_U
//     s.t. sum over U with i of x_aU = 1   for each image i of the signature of a
//          x_aU <= y_U
//          sum over U with i of y_U <= K   for each image i
double CarvingByCbc(const AtomTable& atoms, const RateModel& model, std::uint32_t max_layers) {
  using Term = BinaryProgram::Term;
  SetRates rates(model);
  BinaryProgram program;
  std::map<std::vector<std::uint32_t>, int> opens;
  for (AtomIndex a = 0; a < atoms.size(); ++a) {
    const auto signature = atoms.signature(a);
    std::vector<std::vector<Term>> of_image(signature.size());
    for (unsigned mask = 1; mask < 1U << signature.size(); ++mask) {
      std::vector<std::uint32_t> users;
      for (std::uint32_t k = 0; k < signature.size(); ++k) {
        if ((mask >> k & 1U) != 0) users.push_back(signature[k]);
      }
      const int x = program.AddVariable(static_cast<double>(atoms.bytes[a]) * rates.Of(users));
      for (std::uint32_t k = 0; k < signature.size(); ++k) {
        if ((mask >> k & 1U) != 0) of_image[k].push_back({x, 1});
      }
      const auto [found, is_new] = opens.try_emplace(users, 0);
      if (is_new) {
        found->second =
            program.AddVariable(static_cast<double>(model.layer_overhead * rates.PullsOf(users)));
      }
      program.AddRow(-kNoRowLimit, 0, {{x, 1}, {found->second, -1}});
    }
    for (const std::vector<Term>& terms : of_image) program.AddRow(1, 1, terms);
  }
  std::vector<std::vector<Term>> layers_of(atoms.num_images);
  for (const auto& [users, y] : opens) {
    for (const std::uint32_t i : users) layers_of[i].push_back({y, 1});
  }
  for (const std::vector<Term>& terms : layers_of) program.AddRow(-kNoRowLimit, max_layers, terms);
  return program.Minimum();
}

TEST_CASE("CBC finds no carving below the bound, and hardly one below the cost",
          "[solver][layer_carving][cbc]") {
  std::mt19937_64 random(10);
  int num_optimal = 0;
  constexpr int kRounds = NumRounds(40);
  for (int round = 0; round < kRounds; ++round) {
    CAPTURE(round);
    const auto num_images = static_cast<std::uint32_t>(4 + random() % 3);
    const AtomTable atoms =
        RandomAtoms(random, num_images, static_cast<std::uint32_t>(4 + random() % 9));
    // Whole rates, so that no cost is rounded.
    RandomRates rates(random, num_images, true);
    rates.model.layer_overhead = round % 3 == 0 ? 7 : 0;
    rates.model.fetch_cold = true;
    rates.model.fetch_weight = round % 4 == 0 ? 1 : 0;
    const auto max_layers = static_cast<std::uint32_t>(2 + random() % 3);
    const LayerCarving carving =
        CarveLayers(atoms, rates.model, {.max_layers = max_layers, .num_moves = 2000});
    CheckLayers(atoms, carving.layers, max_layers);
    const double optimum = CarvingByCbc(atoms, rates.model, max_layers);
    REQUIRE(static_cast<double>(carving.lower_bound) <= optimum + 1e-3);
    REQUIRE(static_cast<double>(carving.cost) >= optimum - 1e-3);
    if (static_cast<double>(carving.cost) <= optimum + 1e-3) ++num_optimal;
  }
  CHECK(num_optimal >= kRounds * 95 / 100);
}

#else

TEST_CASE("CBC finds no carving below the bound, and hardly one below the cost",
          "[solver][layer_carving][cbc]") {
  WARN("skipped: built without CBC");
  SUCCEED();
}

#endif

}  // namespace
}  // namespace gneiss
