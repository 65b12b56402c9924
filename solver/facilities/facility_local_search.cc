#include "solver/facilities/facility_local_search.h"

#include <algorithm>

namespace gneiss {

FacilityLocalSearch::FacilityLocalSearch(const FacilityModel& model)
    : model_(model),
      nearest_(model.num_customers),
      loss_(model.num_facilities + std::size_t{1}),
      extra_(model.num_facilities + std::size_t{1}),
      position_(model.num_facilities) {}

void FacilityLocalSearch::Improve(std::span<const std::uint32_t> open, const FacilityLimits& limits,
                                  const std::function<bool()>& should_stop) {
  Reset(open, limits);
  MeetLimits(limits);
  const auto stop = [&] { return should_stop && should_stop(); };
  std::uint32_t num_tried = 0;  // since the last that helped
  std::uint32_t j = 0;
  while (!stop()) {
    while (open_.size() > limits.min_open) {
      const Drop drop = BestDrop(limits);
      if (drop.change >= 0) break;
      Close(drop.facility);
      num_tried = 0;
    }
    // What opens one may let others close, so drops are tried again after it.
    bool opened = false;
    for (int batch = 0; batch < 64 && num_tried < model_.num_facilities && !opened; ++batch) {
      ++num_tried;
      opened = limits.state[j] != FacilityState::kClosed && position_[j] == kNoFacility &&
               TryOpening(j, limits);
      if (++j == model_.num_facilities) j = 0;
    }
    if (opened) num_tried = 0;
    if (num_tried >= model_.num_facilities) break;
  }
  num_unserved_ = 0;
  for (const Nearest& at : nearest_) {
    if (at.facility == model_.num_facilities) ++num_unserved_;
  }
}

void FacilityLocalSearch::Reset(std::span<const std::uint32_t> open, const FacilityLimits& limits) {
  open_.clear();
  std::ranges::fill(position_, kNoFacility);
  const auto add = [&](std::uint32_t j) {
    if (position_[j] != kNoFacility) return;
    position_[j] = static_cast<std::uint32_t>(open_.size());
    open_.push_back(j);
    cost_ += model_.opening[j];
  };
  cost_ = 0;
  for (std::uint32_t j = 0; j < model_.num_facilities; ++j) {
    if (limits.state[j] == FacilityState::kOpen) add(j);
  }
  for (const std::uint32_t j : open) {
    if (limits.state[j] != FacilityState::kClosed) add(j);
  }
  std::ranges::fill(loss_, 0);
  for (std::uint32_t i = 0; i < model_.num_customers; ++i) {
    FindNearest(i);
    cost_ += nearest_[i].cost;
    loss_[nearest_[i].facility] += nearest_[i].second_cost - nearest_[i].cost;
  }
}

void FacilityLocalSearch::FindNearest(std::uint32_t i) {
  const std::uint64_t last = model_.first[i + 1] - 1;
  const auto next_open = [&](std::uint64_t l) {
    while (l < last && position_[model_.facility[l]] == kNoFacility) ++l;
    return l;
  };
  const std::uint64_t l = next_open(model_.first[i]);
  const std::uint64_t k = l == last ? last : next_open(l + 1);
  nearest_[i] = {.cost = model_.cost[l],
                 .second_cost = model_.cost[k],
                 .facility = model_.facility[l],
                 .second = model_.facility[k]};
}

void FacilityLocalSearch::Open(std::uint32_t j) {
  position_[j] = static_cast<std::uint32_t>(open_.size());
  open_.push_back(j);
  cost_ += model_.opening[j];
  for (std::uint64_t c = model_.column_first[j]; c < model_.column_first[j + 1]; ++c) {
    Nearest& at = nearest_[model_.column_customer[c]];
    const std::int64_t cost = model_.column_cost[c];
    if (cost >= at.second_cost) continue;
    if (cost < at.cost) {
      loss_[at.facility] -= at.second_cost - at.cost;
      loss_[j] += at.cost - cost;
      cost_ -= at.cost - cost;
      at = {.cost = cost, .second_cost = at.cost, .facility = j, .second = at.facility};
    } else {
      loss_[at.facility] -= at.second_cost - cost;
      at.second_cost = cost;
      at.second = j;
    }
  }
}

void FacilityLocalSearch::Close(std::uint32_t j) {
  open_[position_[j]] = open_.back();
  position_[open_.back()] = position_[j];
  open_.pop_back();
  position_[j] = kNoFacility;
  cost_ -= model_.opening[j];
  for (std::uint64_t c = model_.column_first[j]; c < model_.column_first[j + 1]; ++c) {
    const std::uint32_t i = model_.column_customer[c];
    const Nearest before = nearest_[i];
    if (before.facility != j && before.second != j) continue;
    FindNearest(i);
    loss_[before.facility] -= before.second_cost - before.cost;
    loss_[nearest_[i].facility] += nearest_[i].second_cost - nearest_[i].cost;
    cost_ += nearest_[i].cost - before.cost;
  }
}

// The first in open_ of equals.
FacilityLocalSearch::Drop FacilityLocalSearch::BestDrop(const FacilityLimits& limits) const {
  Drop best;
  for (const std::uint32_t r : open_) {
    if (limits.state[r] == FacilityState::kOpen) continue;
    const std::int64_t change = loss_[r] - model_.opening[r] - extra_[r];
    if (best.facility == kNoFacility || change < best.change) {
      best = {.facility = r, .change = change};
    }
  }
  return best;
}

void FacilityLocalSearch::MeetLimits(const FacilityLimits& limits) {
  while (open_.size() > limits.max_open) Close(BestDrop(limits).facility);
  while (open_.size() < limits.min_open) {
    std::uint32_t best = kNoFacility;
    std::int64_t best_change = 0;
    for (std::uint32_t j = 0; j < model_.num_facilities; ++j) {
      if (limits.state[j] == FacilityState::kClosed || position_[j] != kNoFacility) continue;
      std::int64_t change = model_.opening[j];
      for (std::uint64_t c = model_.column_first[j]; c < model_.column_first[j + 1]; ++c) {
        const std::int64_t now = nearest_[model_.column_customer[c]].cost;
        change -= std::max<std::int64_t>(0, now - model_.column_cost[c]);
      }
      if (best == kNoFacility || change < best_change) {
        best = j;
        best_change = change;
      }
    }
    Open(best);
  }
}

// Makes the best move that opens j, if it helps.
bool FacilityLocalSearch::TryOpening(std::uint32_t j, const FacilityLimits& limits) {
  std::int64_t gain = 0;
  for (std::uint64_t c = model_.column_first[j]; c < model_.column_first[j + 1]; ++c) {
    const Nearest& at = nearest_[model_.column_customer[c]];
    const std::int64_t cost = model_.column_cost[c];
    if (cost >= at.second_cost) continue;
    gain += std::max<std::int64_t>(0, at.cost - cost);
    extra_[at.facility] += at.second_cost - std::max(at.cost, cost);
  }
  const std::int64_t add = model_.opening[j] - gain;
  const Drop drop = BestDrop(limits);
  for (const std::uint32_t r : open_) extra_[r] = 0;
  extra_[model_.num_facilities] = 0;
  const bool swap =
      drop.facility != kNoFacility && (drop.change < 0 || open_.size() >= limits.max_open);
  if (!swap && open_.size() >= limits.max_open) return false;
  if (add + (swap ? drop.change : 0) >= 0) return false;
  Open(j);
  if (swap) Close(drop.facility);
  return true;
}

}  // namespace gneiss
