// Dual ascent and dual adjustment for facility location (Erlenkotter, Operations Research 26(6),
// 1978; the ascent also in Bilde and Krarup, Annals of Discrete Mathematics 1, 1977): prices v with
//     slack_j = f_j + lambda - sum_i max(0, v_i - c_ij) >= 0   for every free facility,
// none of which can be raised alone. Facilities that are fixed open are paid for (f_j = 0, slack
// 0), those fixed closed have no slack to lose. lambda is the price of opening one at all, 0
// without limits on their number.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "solver/facilities/facility_model.h"

namespace gneiss {

class DualAscent {
 public:
  // Keeps a view of `model`, which must outlive it. Once should_stop (may be empty) says so, prices
  // stay where they are, within the constraints.
  explicit DualAscent(const FacilityModel& model, std::function<bool()> should_stop = {});

  // Makes `prices` satisfy the constraints, lowering them where needed, and raises them as far as
  // they go, customers in turn by one step of their row each. REQUIRES: 0 <= prices <= unserved.
  void Ascend(std::span<const FacilityState> state, std::int64_t lambda,
              std::span<std::int64_t> prices);

  // One round of adjustment after Ascend with the same arguments: each price that pays for more
  // than one of the facilities `open` goes down a step, so that customers who wait for those can go
  // up. The sum of prices never falls. Returns what it rose by.
  std::int64_t Adjust(std::span<const std::uint8_t> open, std::span<std::int64_t> prices);

  // After either call with the same arguments: facilities without slack that between them serve
  // each customer at its price or less, as few as taking them in turn gives: first those that a
  // customer has no choice but, then the cheapest of each customer left. Those fixed open are among
  // them.
  void Cover(std::span<const FacilityState> state, std::span<const std::int64_t> prices,
             std::vector<std::uint32_t>& cover);

 private:
  void Repair(std::span<std::int64_t> prices);
  bool RaiseOneStep(std::uint32_t i, std::int64_t& price);
  void RaiseAll(std::vector<std::uint32_t>& customers, std::span<std::int64_t> prices);
  void Lower(std::uint32_t i, std::int64_t& price, std::int64_t to);
  void AddWaiting(std::uint32_t j, std::span<const std::uint8_t> open,
                  std::span<const std::int64_t> prices);

  bool ShouldStop() const { return should_stop_ && should_stop_(); }

  const FacilityModel& model_;
  std::function<bool()> should_stop_;
  std::vector<std::int64_t> slack_;
  std::vector<std::uint64_t> next_;  // per customer the first link that costs more than its price
  std::vector<std::uint32_t> active_;
  std::vector<std::uint8_t> in_cover_;
};

}  // namespace gneiss
