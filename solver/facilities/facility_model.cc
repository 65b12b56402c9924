#include "solver/facilities/facility_model.h"

#include <algorithm>
#include <tuple>

namespace gneiss {
namespace {

// Sums of prices over all customers stay below this, so that reduced costs fit with room to spare.
constexpr std::int64_t kLargestSum = std::int64_t{1} << 60;
// More fractional bits would not show in any bound.
constexpr int kMostFractionBits = 16;

}  // namespace

FacilityModel::FacilityModel(const FacilityProblem& problem, std::uint32_t max_open)
    : num_facilities(problem.num_facilities()),
      num_customers(problem.num_customers()),
      opening(problem.opening_cost.begin(), problem.opening_cost.end()) {
  std::int64_t sum_opening = 0;
  for (const std::int64_t f : opening) sum_opening += f;
  std::int64_t sum_largest = 0;
  std::int64_t largest = 0;
  for (std::uint32_t i = 0; i < num_customers; ++i) {
    const std::int64_t cost_of_last = problem.links_of(i).back().cost;
    sum_largest += cost_of_last;
    largest = std::max(largest, cost_of_last);
  }
  const bool may_fail = max_open < num_facilities &&
                        problem.links.size() < std::uint64_t{num_facilities} * num_customers;
  unserved = sum_opening + (may_fail ? sum_largest : largest) + 1;
  while (shift < kMostFractionBits &&
         (unserved << (shift + 1)) <= kLargestSum / (num_customers + std::int64_t{2})) {
    ++shift;
  }
  unserved <<= shift;
  for (std::int64_t& f : opening) f <<= shift;

  first.reserve(num_customers + std::size_t{1});
  facility.reserve(problem.links.size() + num_customers);
  cost.reserve(problem.links.size() + num_customers);
  std::vector<FacilityLink> row;
  for (std::uint32_t i = 0; i < num_customers; ++i) {
    first.push_back(cost.size());
    const auto links = problem.links_of(i);
    row.assign(links.begin(), links.end());
    const auto before = [](const FacilityLink& a, const FacilityLink& b) {
      return std::tie(a.cost, a.facility) < std::tie(b.cost, b.facility);
    };
    if (!std::ranges::is_sorted(row, before)) std::ranges::sort(row, before);
    for (const FacilityLink& link : row) {
      facility.push_back(link.facility);
      cost.push_back(link.cost << shift);
    }
    facility.push_back(num_facilities);
    cost.push_back(unserved);
  }
  first.push_back(cost.size());
  FillColumns();
}

FacilityModel::FacilityModel(const FacilityModel& other, std::span<const std::uint32_t> keep)
    : num_facilities(static_cast<std::uint32_t>(keep.size())),
      num_customers(other.num_customers),
      shift(other.shift),
      unserved(other.unserved) {
  std::vector<std::uint32_t> new_index(other.num_facilities, kNoFacility);
  for (const std::uint32_t j : keep) {
    new_index[j] = static_cast<std::uint32_t>(opening.size());
    opening.push_back(other.opening[j]);
  }
  first.reserve(num_customers + std::size_t{1});
  for (std::uint32_t i = 0; i < num_customers; ++i) {
    first.push_back(cost.size());
    for (std::uint64_t l = other.first[i]; l + 1 < other.first[i + 1]; ++l) {
      if (new_index[other.facility[l]] == kNoFacility) continue;
      facility.push_back(new_index[other.facility[l]]);
      cost.push_back(other.cost[l]);
    }
    facility.push_back(num_facilities);
    cost.push_back(unserved);
  }
  first.push_back(cost.size());
  FillColumns();
}

void FacilityModel::FillColumns() {
  column_first.assign(num_facilities + std::size_t{2}, 0);
  for (const std::uint32_t j : facility) ++column_first[j + 1];
  for (std::uint32_t j = 0; j <= num_facilities; ++j) column_first[j + 1] += column_first[j];
  // The last column would be the sentinels'.
  const std::uint64_t num_links = column_first[num_facilities];
  column_customer.resize(num_links);
  column_cost.resize(num_links);
  std::vector<std::uint64_t> next(column_first.begin(), column_first.end() - 2);
  column_first.pop_back();
  for (std::uint32_t i = 0; i < num_customers; ++i) {
    for (std::uint64_t l = first[i]; l + 1 < first[i + 1]; ++l) {
      const std::uint64_t at = next[facility[l]]++;
      column_customer[at] = i;
      column_cost[at] = cost[l];
    }
  }
}

}  // namespace gneiss
