// A facility location problem as its solvers read it: flat arrays by customer and by facility,
// costs in fixed point (1 unit of the caller is 2^shift), and a price for leaving a customer
// unserved that is higher than serving it can ever be, so that every set of facilities is a plan.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "solver/facilities/facility_location.h"

namespace gneiss {

enum class FacilityState : std::uint8_t { kFree, kOpen, kClosed };

struct FacilityModel {
  // REQUIRES: the problem as SolveFacilityLocation wants it, every customer with a link.
  FacilityModel(const FacilityProblem& problem, std::uint32_t max_open);
  // `other` without the facilities that `keep` leaves out. Facility j of this is keep[j] of other.
  FacilityModel(const FacilityModel& other, std::span<const std::uint32_t> keep);

  std::uint32_t num_facilities = 0;
  std::uint32_t num_customers = 0;
  int shift = 0;
  std::int64_t unserved = 0;  // cost of an unserved customer; no served one costs as much
  std::vector<std::int64_t> opening;

  // Row of customer i: [first[i] .. first[i + 1]), by cost, then facility. Its last link is a
  // sentinel of cost `unserved`, so that searching for a cost >= one below that needs no end.
  std::vector<std::uint64_t> first;
  std::vector<std::uint32_t> facility;
  std::vector<std::int64_t> cost;

  // Column of facility j: [column_first[j] .. column_first[j + 1]), ascending customers.
  std::vector<std::uint64_t> column_first;
  std::vector<std::uint32_t> column_customer;
  std::vector<std::int64_t> column_cost;

 private:
  void FillColumns();
};

// Which facilities branching leaves, and how many may be open of all (those fixed included).
struct FacilityLimits {
  std::vector<FacilityState> state;  // per facility
  std::uint32_t min_open = 0;
  std::uint32_t max_open = 0;  // <= num_facilities
};

}  // namespace gneiss
