// Small random facility location problems for tests, and their optimum by trying every set.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <random>
#include <vector>

#include "solver/facilities/facility_location.h"

namespace gneiss {

struct RandomFacilities {
  std::vector<std::int64_t> opening_cost;
  std::vector<std::uint64_t> first_link = {0};
  std::vector<FacilityLink> links;

  // Costs below `range`, so that small ranges have ties and zeros; each link is there with a
  // probability of `density` eighths; one customer in four is a copy of the one before.
  RandomFacilities(std::mt19937_64& random, std::uint32_t m, std::uint32_t n, std::uint64_t range,
                   std::uint64_t density) {
    const auto cost = [&] { return static_cast<std::int64_t>(random() % range); };
    for (std::uint32_t j = 0; j < m; ++j) opening_cost.push_back(2 * cost());
    std::vector<FacilityLink> row;
    for (std::uint32_t i = 0; i < n; ++i) {
      if (i == 0 || random() % 4 != 0) {
        row.clear();
        for (std::uint32_t j = 0; j < m; ++j) {
          if (random() % 8 < density) row.push_back({.facility = j, .cost = cost()});
        }
        std::ranges::shuffle(row, random);
        std::ranges::stable_sort(row, {}, &FacilityLink::cost);
      }
      links.insert(links.end(), row.begin(), row.end());
      first_link.push_back(links.size());
    }
  }

  [[nodiscard]] FacilityProblem problem() const {
    return {.opening_cost = opening_cost, .first_link = first_link, .links = links};
  }
};

// By the definition, a set at a time: kNoCost where no set does. REQUIRES: few facilities.
inline std::int64_t CheapestByTrial(const FacilityProblem& problem,
                                    const FacilityOptions& options) {
  std::uint32_t forced = 0;
  for (const std::uint32_t j : options.forced_open) forced |= 1U << j;
  std::int64_t cheapest = kNoCost;
  for (std::uint32_t set = 0; set < 1U << problem.num_facilities(); ++set) {
    const auto num_open = static_cast<std::uint32_t>(std::popcount(set));
    if ((set & forced) != forced || num_open < options.min_open || num_open > options.max_open) {
      continue;
    }
    std::int64_t cost = 0;
    for (std::uint32_t j = 0; j < problem.num_facilities(); ++j) {
      if ((set >> j & 1U) != 0) cost += problem.opening_cost[j];
    }
    for (std::uint32_t i = 0; i < problem.num_customers() && cost != kNoCost; ++i) {
      std::int64_t least = kNoCost;
      for (const FacilityLink& link : problem.links_of(i)) {
        if ((set >> link.facility & 1U) != 0) least = std::min(least, link.cost);
      }
      cost = least == kNoCost ? kNoCost : cost + least;
    }
    cheapest = std::min(cheapest, cost);
  }
  return cheapest;
}

}  // namespace gneiss
