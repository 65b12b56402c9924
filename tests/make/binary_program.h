// Binary linear programs solved by CBC: the oracle of tests on instances that brute force is too
// slow for. Only where the build has CBC (GNEISS_HAVE_CBC).
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include <Cbc_C_Interface.h>
#include <catch2/catch.hpp>

namespace gneiss {

inline constexpr double kNoRowLimit = std::numeric_limits<double>::max();

class BinaryProgram {
 public:
  struct Term {
    int variable = 0;
    double factor = 0;
  };

  // Returns the variable.
  int AddVariable(double cost) {
    cost_.push_back(cost);
    terms_.emplace_back();
    return static_cast<int>(cost_.size()) - 1;
  }

  // lower <= sum of terms <= upper. REQUIRES: each variable once.
  void AddRow(double lower, double upper, const std::vector<Term>& terms) {
    const int row = static_cast<int>(lower_.size());
    lower_.push_back(lower);
    upper_.push_back(upper);
    for (const Term& term : terms) {
      terms_[static_cast<std::size_t>(term.variable)].push_back({row, term.factor});
    }
  }

  // The least cost. Fails the test when CBC does not prove it.
  double Minimum() const {
    std::vector<CoinBigIndex> start = {0};
    std::vector<int> index;
    std::vector<double> value;
    for (const auto& column : terms_) {
      for (const auto& [row, factor] : column) {
        index.push_back(row);
        value.push_back(factor);
      }
      start.push_back(static_cast<CoinBigIndex>(index.size()));
    }
    const int num_columns = static_cast<int>(cost_.size());
    const std::vector<double> none(cost_.size(), 0);
    const std::vector<double> one(cost_.size(), 1);
    const std::unique_ptr<Cbc_Model, void (*)(Cbc_Model*)> cbc(Cbc_newModel(), Cbc_deleteModel);
    Cbc_setParameter(cbc.get(), "logLevel", "0");
    Cbc_setParameter(cbc.get(), "ratioGap", "0");
    Cbc_loadProblem(cbc.get(), num_columns, static_cast<int>(lower_.size()), start.data(),
                    index.data(), value.data(), none.data(), one.data(), cost_.data(),
                    lower_.data(), upper_.data());
    for (int c = 0; c < num_columns; ++c) Cbc_setInteger(cbc.get(), c);
    Cbc_solve(cbc.get());
    REQUIRE(Cbc_isProvenOptimal(cbc.get()) != 0);
    return Cbc_getObjValue(cbc.get());
  }

 private:
  std::vector<double> cost_;
  std::vector<std::vector<std::pair<int, double>>> terms_;  // per variable: row, factor
  std::vector<double> lower_;
  std::vector<double> upper_;
};

}  // namespace gneiss
