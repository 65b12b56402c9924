// Local search for facility location: add, drop and swap of one facility until none helps.
//
// What a swap changes is found for one facility to open and all those to close in one pass over the
// customers (Whitaker, INFOR 21, 1983; in the terms of Resende and Werneck, EJOR 174, 2006):
//     change(add j, drop r) = f_j - gain(j) - f_r + loss(r) - extra(j, r)
// with d1, d2 a customer's cost at its nearest and second nearest open facility,
//     gain(j)     = sum of max(0, d1 - c_ij)
//     loss(r)     = sum of d2 - d1 over the customers nearest to r
//     extra(j, r) = sum of max(0, d2 - max(d1, c_ij)) over the customers nearest to r.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "solver/facilities/facility_model.h"

namespace gneiss {

class FacilityLocalSearch {
 public:
  // Keeps a view of `model`, which must outlive it.
  explicit FacilityLocalSearch(const FacilityModel& model);

  // Opens `open` and all that is fixed open, and improves until no move within `limits` helps:
  // facilities fixed closed stay so, and the number of open ones is brought within the limits
  // first. Facilities are tried in turn, from the one after the last that helped; the best move of
  // each is made. Ends early when should_stop (may be empty) says so, within the limits all the
  // same. REQUIRES: the limits leave a choice.
  void Improve(std::span<const std::uint32_t> open, const FacilityLimits& limits,
               const std::function<bool()>& should_stop);

  // Of the last call, in fixed point; `unserved` a customer without.
  std::int64_t cost() const { return cost_; }
  bool serves_all() const { return num_unserved_ == 0; }
  std::span<const std::uint32_t> open() const { return open_; }  // in no order

 private:
  struct Nearest {
    std::int64_t cost = 0;
    std::int64_t second_cost = 0;
    std::uint32_t facility = 0;
    std::uint32_t second = 0;
  };
  struct Drop {
    std::uint32_t facility = kNoFacility;
    std::int64_t change = 0;
  };

  void Reset(std::span<const std::uint32_t> open, const FacilityLimits& limits);
  void Open(std::uint32_t j);
  void Close(std::uint32_t j);
  void FindNearest(std::uint32_t i);
  [[nodiscard]] Drop BestDrop(const FacilityLimits& limits) const;
  void MeetLimits(const FacilityLimits& limits);
  [[nodiscard]] bool TryOpening(std::uint32_t j, const FacilityLimits& limits);

  const FacilityModel& model_;
  std::vector<Nearest> nearest_;         // per customer
  std::vector<std::int64_t> loss_;       // per facility, 0 for one that is not open; one for none
  std::vector<std::int64_t> extra_;      // per facility, of the one being tried; all 0 between
  std::vector<std::uint32_t> position_;  // in open_, or kNoFacility
  std::vector<std::uint32_t> open_;
  std::int64_t cost_ = 0;
  std::uint32_t num_unserved_ = 0;
};

}  // namespace gneiss
