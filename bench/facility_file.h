// Facility location problems to measure with: files of the OR-Library, and made-up ones.
//
// A file of the OR-Library (Beasley, Journal of the Operational Research Society 41(11), 1990) is
// words: the numbers m of facilities and n of customers; m times a capacity (ignored; may be a
// word) and an opening cost; n times a demand (ignored) and m costs of serving all of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "solver/facilities/facility_location.h"

namespace gneiss {

// Costs are multiples of 10^-num_decimals of the file's unit.
struct FacilityInstance {
  std::vector<std::int64_t> opening_cost;
  std::vector<std::uint64_t> first_link = {0};
  std::vector<FacilityLink> links;
  int num_decimals = 0;

  // A view of this.
  [[nodiscard]] FacilityProblem problem() const {
    return {.opening_cost = opening_cost, .first_link = first_link, .links = links};
  }
  // Appends a customer that facility j serves at costs[j], all allowed.
  void AddCustomer(const std::vector<std::int64_t>& costs);
};

// Decimals are kept as they stand: num_decimals is the most digits after a point in any cost,
// trailing zeros left out, and every cost is exact. Throws InputError (line, expected, found) for
// text that is not such a file or whose costs are too large for the solver, with `name` as source.
[[nodiscard]] FacilityInstance ParseFacilityFile(std::string_view text, const std::string& name);

// The same from a file. Throws InputError as well when it cannot be read.
[[nodiscard]] FacilityInstance ReadFacilityFile(const std::string& path);

// An amount of the instance in the file's unit, exact.
[[nodiscard]] std::string FormatDecimal(std::int64_t amount, int num_decimals);

}  // namespace gneiss
