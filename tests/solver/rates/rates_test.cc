#include "solver/rates/rates.h"

#include <cmath>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/owned_rates.h"
#include "tests/make/rounds.h"

namespace gneiss {
namespace {

struct RandomModel : OwnedRates {
  RandomModel(std::mt19937_64& random, bool with_elements) {
    for (int i = 0; i < 6; ++i) pulls.push_back(static_cast<std::int64_t>(random() % 4));
    if (with_elements) {
      model.scoped = random() % 2 == 0;
      for (int e = 0; e < 5; ++e) {
        const bool is_cell = model.scoped && e < 3;
        element_cells.push_back(is_cell ? 1 : 0);
        element_nodes.push_back(is_cell ? 0 : static_cast<std::int64_t>(random() % 9));
      }
      first_element.push_back(0);
      for (int i = 0; i < 6; ++i) {
        for (std::uint32_t e = 0; e < 5; ++e) {
          if (random() % 2 == 0) elements.push_back(e);
        }
        first_element.push_back(elements.size());
      }
    }
    Link();
    model.storage_weight = 0.5 * static_cast<double>(random() % 4);
    model.fetch_weight = 0.25 * static_cast<double>(random() % 4);
    model.fetch_nodes = 7;
    model.fetch_intensity = 0.3;
    model.fetch_cold = random() % 3 == 0;
  }
};

// By the definition in the header, a set at a time.
double RateByDefinition(const RandomModel& random_model, const std::vector<std::uint32_t>& images) {
  if (images.empty()) return 0;
  const RateModel& model = random_model.model;
  std::set<std::uint32_t> touched;
  double pulls = 0;
  for (const std::uint32_t i : images) {
    pulls += static_cast<double>(random_model.pulls[i]);
    if (random_model.first_element.empty()) continue;
    for (auto e = random_model.first_element[i]; e < random_model.first_element[i + 1]; ++e) {
      touched.insert(random_model.elements[e]);
    }
  }
  double cells = model.scoped ? 0 : 1;
  double fetches = model.fetch_cold ? pulls : 7 * (1 - std::exp(-0.3 * pulls));
  for (const std::uint32_t e : touched) {
    cells += static_cast<double>(random_model.element_cells[e]);
    fetches += static_cast<double>(random_model.element_nodes[e]);
  }
  return model.storage_weight * cells + model.fetch_weight * fetches;
}

std::vector<std::uint32_t> ImagesIn(unsigned bits) {
  std::vector<std::uint32_t> images;
  for (std::uint32_t i = 0; i < 6; ++i) {
    if ((bits >> i & 1U) != 0) images.push_back(i);
  }
  return images;
}

TEST_CASE("The rate of a set is that of its definition, monotone and submodular",
          "[solver][set_rates]") {
  std::mt19937_64 random(1);
  for (int round = 0; round < NumRounds(200); ++round) {
    const RandomModel random_model(random, round % 2 == 0);
    SetRates rates(random_model.model);
    std::vector<double> of(64);
    for (unsigned s = 0; s < 64; ++s) {
      of[s] = rates.Of(ImagesIn(s));
      REQUIRE(of[s] == Approx(RateByDefinition(random_model, ImagesIn(s))).margin(1e-12));
    }
    for (unsigned s = 0; s < 64; ++s) {
      for (unsigned t = 0; t < 64; ++t) {
        if ((s & t) == s) REQUIRE(of[s] <= of[t] + 1e-12);
        REQUIRE(of[s | t] + of[s & t] <= of[s] + of[t] + 1e-12);
      }
    }
  }
}

TEST_CASE("A cost is rounded up to a whole unit", "[solver][set_rates]") {
  CHECK(CostAtRate(0, 3.5) == 0);
  CHECK(CostAtRate(3, 0.5) == 2);
  CHECK(CostAtRate(4, 0.5) == 2);
  CHECK(CostAtRate(1, 1e-9) == 1);
}

}  // namespace
}  // namespace gneiss
