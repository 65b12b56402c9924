#include "bench/facility_cbc.h"

#include <chrono>
#include <cstdlib>
#include <memory>
#include <vector>

#ifdef GNEISS_HAVE_CBC
#include <Cbc_C_Interface.h>
#endif

namespace gneiss {

#ifdef GNEISS_HAVE_CBC

namespace {

struct CbcDelete {
  void operator()(Cbc_Model* model) const { Cbc_deleteModel(model); }
};

}  // namespace

bool HasCbc() { return true; }

CbcFacilityResult SolveWithCbc(const FacilityProblem& problem, const FacilityOptions& options,
                               double unit) {
  const auto m = static_cast<int>(problem.num_facilities());
  const auto n = static_cast<int>(problem.num_customers());
  const auto num_links = static_cast<int>(problem.links.size());
  // Columns: y_j, then a column for each link. Rows: customers, links, the number open.
  const int num_columns = m + num_links;
  const int num_rows = n + num_links + 1;
  std::vector<std::vector<int>> rows_of_y(static_cast<std::size_t>(m));
  for (int l = 0; l < num_links; ++l) {
    rows_of_y[problem.links[static_cast<std::size_t>(l)].facility].push_back(n + l);
  }
  std::vector<CoinBigIndex> start = {0};
  std::vector<int> index;
  std::vector<double> value;
  std::vector<double> objective;
  std::vector<double> lower(static_cast<std::size_t>(num_columns), 0);
  const std::vector<double> upper(static_cast<std::size_t>(num_columns), 1);
  const auto end_column = [&](double cost) {
    objective.push_back(cost * unit);
    start.push_back(static_cast<CoinBigIndex>(index.size()));
  };
  for (int j = 0; j < m; ++j) {
    for (const int row : rows_of_y[static_cast<std::size_t>(j)]) {
      index.push_back(row);
      value.push_back(-1);
    }
    index.push_back(num_rows - 1);
    value.push_back(1);
    end_column(static_cast<double>(problem.opening_cost[static_cast<std::size_t>(j)]));
  }
  for (int i = 0; i < n; ++i) {
    const auto customer = static_cast<std::uint32_t>(i);
    for (std::uint64_t l = problem.first_link[customer]; l < problem.first_link[customer + 1];
         ++l) {
      index.push_back(i);
      value.push_back(1);
      index.push_back(n + static_cast<int>(l));
      value.push_back(1);
      end_column(static_cast<double>(problem.links[l].cost));
    }
  }
  for (const std::uint32_t j : options.forced_open) lower[j] = 1;
  std::vector<double> row_lower(static_cast<std::size_t>(num_rows), -1);
  std::vector<double> row_upper(static_cast<std::size_t>(num_rows), 0);
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) row_lower[i] = row_upper[i] = 1;
  row_lower.back() = options.min_open;
  row_upper.back() = options.max_open;

  const std::unique_ptr<Cbc_Model, CbcDelete> model(Cbc_newModel());
  Cbc_loadProblem(model.get(), num_columns, num_rows, start.data(), index.data(), value.data(),
                  lower.data(), upper.data(), objective.data(), row_lower.data(), row_upper.data());
  for (int j = 0; j < m; ++j) Cbc_setInteger(model.get(), j);
  Cbc_setParameter(model.get(), "logLevel", "0");
  const auto begin = std::chrono::steady_clock::now();
  Cbc_solve(model.get());
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  return {.optimal = Cbc_isProvenOptimal(model.get()) != 0,
          .infeasible = Cbc_isProvenInfeasible(model.get()) != 0,
          .cost = Cbc_getObjValue(model.get()),
          .seconds = elapsed.count()};
}

#else

bool HasCbc() { return false; }

CbcFacilityResult SolveWithCbc(const FacilityProblem&, const FacilityOptions&, double) {
  std::abort();
}

#endif

}  // namespace gneiss
