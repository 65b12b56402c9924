#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#ifdef GNEISS_HAVE_CBC
#include <Cbc_C_Interface.h>
#endif

#include "tests/random_atoms.h"

namespace gneiss {
namespace {

#ifdef GNEISS_HAVE_CBC

// Carving as a set partition: y_U opens a layer for the images U, x_aU puts atom a into it.
//
//     min  sum bytes_a * rate(U) * x_aU + layer_overhead * pulls(U) * y_U
//     s.t. sum over U with i of x_aU = 1   for each image i of the signature of a
//          x_aU <= y_U
//          sum over U with i of y_U <= K   for each image i
class CarvingByCbc {
 public:
  CarvingByCbc(const AtomTable& atoms, const RateModel& model, std::uint32_t max_layers)
      : atoms_(atoms), num_rows_(static_cast<int>(atoms.images.size() + atoms.num_images)) {
    SetRates rates(model);
    for (AtomIndex a = 0; a < atoms.size(); ++a) {
      const auto signature = atoms.signature(a);
      for (unsigned mask = 1; mask < 1U << signature.size(); ++mask) {
        std::vector<std::uint32_t> users;
        std::vector<int> rows;
        for (std::uint32_t k = 0; k < signature.size(); ++k) {
          if ((mask >> k & 1U) == 0) continue;
          users.push_back(signature[k]);
          rows.push_back(static_cast<int>(atoms.first_image[a] + k));
        }
        const int row = num_rows_++;
        rows_of_users_[users].push_back(row);
        rows.push_back(row);
        AddColumn(static_cast<double>(atoms.bytes[a]) * rates.Of(users), rows,
                  std::vector<double>(rows.size(), 1));
      }
    }
    row_upper_.assign(static_cast<std::size_t>(num_rows_), 0);
    row_lower_.assign(static_cast<std::size_t>(num_rows_), -1e9);
    for (std::size_t r = 0; r < atoms.images.size(); ++r) row_lower_[r] = row_upper_[r] = 1;
    for (std::uint32_t i = 0; i < atoms.num_images; ++i) {
      row_upper_[atoms.images.size() + i] = max_layers;
    }
    for (const auto& [users, links] : rows_of_users_) {
      std::vector<int> rows = links;
      std::vector<double> values(links.size(), -1);
      for (const std::uint32_t i : users) {
        rows.push_back(static_cast<int>(atoms.images.size() + i));
        values.push_back(1);
      }
      AddColumn(static_cast<double>(model.layer_overhead * rates.PullsOf(users)), rows, values);
    }
  }

  double Solve() {
    const auto num_columns = static_cast<int>(objective_.size());
    const std::vector<double> lower(objective_.size(), 0);
    const std::vector<double> upper(objective_.size(), 1);
    const std::unique_ptr<Cbc_Model, void (*)(Cbc_Model*)> cbc(Cbc_newModel(), Cbc_deleteModel);
    Cbc_setParameter(cbc.get(), "logLevel", "0");
    Cbc_setParameter(cbc.get(), "ratioGap", "0");
    Cbc_loadProblem(cbc.get(), num_columns, num_rows_, start_.data(), index_.data(), value_.data(),
                    lower.data(), upper.data(), objective_.data(), row_lower_.data(),
                    row_upper_.data());
    for (int c = 0; c < num_columns; ++c) Cbc_setInteger(cbc.get(), c);
    Cbc_solve(cbc.get());
    REQUIRE(Cbc_isProvenOptimal(cbc.get()) != 0);
    return Cbc_getObjValue(cbc.get());
  }

 private:
  void AddColumn(double cost, const std::vector<int>& rows, const std::vector<double>& values) {
    objective_.push_back(cost);
    index_.insert(index_.end(), rows.begin(), rows.end());
    value_.insert(value_.end(), values.begin(), values.end());
    start_.push_back(static_cast<CoinBigIndex>(index_.size()));
  }

  const AtomTable& atoms_;
  int num_rows_;
  std::map<std::vector<std::uint32_t>, std::vector<int>> rows_of_users_;
  std::vector<CoinBigIndex> start_ = {0};
  std::vector<int> index_;
  std::vector<double> value_;
  std::vector<double> objective_;
  std::vector<double> row_lower_;
  std::vector<double> row_upper_;
};

TEST_CASE("CBC finds no carving below the bound, and hardly one below the cost",
          "[solver][layer_carving][cbc]") {
  std::mt19937_64 random(10);
  int num_optimal = 0;
  constexpr int kRounds = 40;
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
    const double optimum = CarvingByCbc(atoms, rates.model, max_layers).Solve();
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
