#include "solver/facilities/facility_dual_ascent.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace gneiss {
namespace {

constexpr std::int64_t kEndlessSlack = std::numeric_limits<std::int64_t>::max() / 2;

}  // namespace

DualAscent::DualAscent(const FacilityModel& model, std::function<bool()> should_stop)
    : model_(model),
      should_stop_(std::move(should_stop)),
      slack_(model.num_facilities),
      next_(model.num_customers) {
  active_.reserve(model.num_customers);
}

void DualAscent::Ascend(std::span<const FacilityState> state, std::int64_t lambda,
                        std::span<std::int64_t> prices) {
  for (std::uint32_t j = 0; j < model_.num_facilities; ++j) {
    switch (state[j]) {
      case FacilityState::kFree:
        slack_[j] = model_.opening[j] + lambda;
        break;
      case FacilityState::kOpen:
        slack_[j] = 0;
        break;
      case FacilityState::kClosed:
        slack_[j] = kEndlessSlack;
        break;
    }
  }
  for (std::uint32_t i = 0; i < model_.num_customers; ++i) {
    // Below the first cost a price pays for nothing.
    prices[i] = std::max(prices[i], model_.cost[model_.first[i]]);
    std::uint64_t l = model_.first[i];
    for (; model_.cost[l] <= prices[i] && l + 1 < model_.first[i + 1]; ++l) {
      slack_[model_.facility[l]] -= prices[i] - model_.cost[l];
    }
    next_[i] = l;
  }
  Repair(prices);
  active_.resize(model_.num_customers);
  std::iota(active_.begin(), active_.end(), 0U);
  RaiseAll(active_, prices);
}

void DualAscent::Repair(std::span<std::int64_t> prices) {
  for (std::uint32_t j = 0; j < model_.num_facilities; ++j) {
    if (slack_[j] >= 0) continue;
    const std::uint64_t end = model_.column_first[j + 1];
    for (std::uint64_t c = model_.column_first[j]; c < end && slack_[j] < 0; ++c) {
      const std::uint32_t i = model_.column_customer[c];
      if (prices[i] <= model_.column_cost[c]) continue;
      Lower(i, prices[i], std::max(model_.column_cost[c], prices[i] + slack_[j]));
    }
  }
}

void DualAscent::Lower(std::uint32_t i, std::int64_t& price, std::int64_t to) {
  std::uint64_t l = next_[i];
  while (l > model_.first[i] && model_.cost[l - 1] > to) {
    --l;
    slack_[model_.facility[l]] += price - model_.cost[l];
  }
  next_[i] = l;
  for (std::uint64_t k = model_.first[i]; k < l; ++k) slack_[model_.facility[k]] += price - to;
  price = to;
}

// False when the price has come to where it stays.
bool DualAscent::RaiseOneStep(std::uint32_t i, std::int64_t& price) {
  const std::uint64_t begin = model_.first[i];
  const std::uint64_t end = next_[i];
  const std::int64_t most = model_.cost[end] - price;
  std::int64_t step = most;
  // Most calls end here, at a facility without slack; it is mostly among the dearest.
  for (std::uint64_t l = end; l-- > begin;) {
    step = std::min(step, slack_[model_.facility[l]]);
    if (step <= 0) return false;
  }
  for (std::uint64_t l = begin; l < end; ++l) slack_[model_.facility[l]] -= step;
  price += step;
  if (step < most) return false;
  std::uint64_t l = end;
  while (l + 1 < model_.first[i + 1] && model_.cost[l] == price) ++l;
  next_[i] = l;
  return price < model_.unserved;
}

void DualAscent::RaiseAll(std::vector<std::uint32_t>& customers, std::span<std::int64_t> prices) {
  while (!customers.empty() && !ShouldStop()) {
    std::size_t kept = 0;
    for (const std::uint32_t i : customers) {
      if (RaiseOneStep(i, prices[i])) customers[kept++] = i;
    }
    customers.resize(kept);
  }
}

// Customers that no other open facility than j keeps from rising.
void DualAscent::AddWaiting(std::uint32_t j, std::span<const std::uint8_t> open,
                            std::span<const std::int64_t> prices) {
  for (std::uint64_t c = model_.column_first[j]; c < model_.column_first[j + 1]; ++c) {
    const std::uint32_t i = model_.column_customer[c];
    if (model_.column_cost[c] > prices[i]) continue;
    bool only = true;
    for (std::uint64_t l = model_.first[i]; l < next_[i] && only; ++l) {
      const std::uint32_t other = model_.facility[l];
      only = other == j || open[other] == 0;
    }
    if (only) active_.push_back(i);
  }
}

std::int64_t DualAscent::Adjust(std::span<const std::uint8_t> open,
                                std::span<std::int64_t> prices) {
  const std::int64_t before = std::accumulate(prices.begin(), prices.end(), std::int64_t{0});
  for (std::uint32_t i = 0; i < model_.num_customers; ++i) {
    // The two cheapest open facilities that the price pays for.
    std::uint32_t paid[2] = {};
    int num_paid = 0;
    std::int64_t lower = model_.cost[model_.first[i]];
    for (std::uint64_t l = model_.first[i]; model_.cost[l] < prices[i]; ++l) {
      lower = model_.cost[l];
      const std::uint32_t j = model_.facility[l];
      if (open[j] != 0 && num_paid < 2) paid[num_paid++] = j;
    }
    if (num_paid < 2) continue;
    if (ShouldStop()) break;
    active_.clear();
    Lower(i, prices[i], lower);
    AddWaiting(paid[0], open, prices);
    AddWaiting(paid[1], open, prices);
    RaiseAll(active_, prices);
    active_.assign(1, i);
    RaiseAll(active_, prices);
  }
  active_.resize(model_.num_customers);
  std::iota(active_.begin(), active_.end(), 0U);
  RaiseAll(active_, prices);
  return std::accumulate(prices.begin(), prices.end(), std::int64_t{0}) - before;
}

void DualAscent::Cover(std::span<const FacilityState> state, std::span<const std::int64_t> prices,
                       std::vector<std::uint32_t>& cover) {
  cover.clear();
  in_cover_.assign(model_.num_facilities, 0);
  const auto add = [&](std::uint32_t j) {
    in_cover_[j] = 1;
    cover.push_back(j);
  };
  for (std::uint32_t j = 0; j < model_.num_facilities; ++j) {
    if (state[j] == FacilityState::kOpen) add(j);
  }
  for (const bool has_choice : {false, true}) {
    for (std::uint32_t i = 0; i < model_.num_customers; ++i) {
      std::uint32_t cheapest = kNoFacility;
      int num_tight = 0;
      bool covered = false;
      for (std::uint64_t l = model_.first[i]; l < next_[i] && !covered; ++l) {
        const std::uint32_t j = model_.facility[l];
        if (model_.cost[l] > prices[i]) break;
        covered = in_cover_[j] != 0;
        if (slack_[j] > 0) continue;
        if (num_tight++ == 0) cheapest = j;
        if (!has_choice && num_tight > 1) break;
      }
      if (covered || num_tight == 0 || (!has_choice && num_tight > 1)) continue;
      add(cheapest);
    }
  }
}

}  // namespace gneiss
