#include "planner/bases/rebase_state.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace gneiss {
namespace {

// Calls only_a(x) for what only `a` has, only_b(x) for what only `b` has. REQUIRES: ascending.
template <typename OnlyA, typename OnlyB>
void ForEachDifference(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b,
                       const OnlyA& only_a, const OnlyB& only_b) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (j == b.size() || (i < a.size() && a[i] < b[j])) {
      only_a(a[i++]);
    } else if (i == a.size() || b[j] < a[i]) {
      only_b(b[j++]);
    } else {
      ++i;
      ++j;
    }
  }
}

}  // namespace

RebaseState::RebaseState(const RebaseBlobs& blobs)
    : blobs_(blobs), choices_(blobs.problem().groups.size(), 0), uses_(blobs.size()) {
  for (std::uint32_t b = 0; b < blobs.size(); ++b) Change(b, blobs.fixed(b), true);
  for (std::uint32_t g = 0; g < choices_.size(); ++g) {
    const std::uint32_t lower = LowerOf(g, 0);
    for (const std::uint32_t b : blobs.of_lower(lower)) Change(b, blobs.added_by(g, b), true);
    cost_ = CheckedAdd(cost_, blobs.OverheadOf(g, lower));
  }
}

void RebaseState::SetCost(std::uint32_t b, Use& use) const {
  if (use.num_images == 0) return;
  const CostModel& model = blobs_.model();
  const Bytes size = blobs_.size_bytes(b);
  const std::int64_t cells = blobs_.rates().scoped ? use.cells : 1;
  const double fetches = model.Fetches(use.pulls, use.pool_nodes);
  use.cost = model.BlobCost(size, cells, fetches);
  use.storage_bytes = CheckedMultiply(size, cells);
  use.transfer_bytes = static_cast<double>(size) * fetches;
}

RebaseState::Use RebaseState::Changed(std::uint32_t b, const HolderSet& set, bool adds) const {
  const Use& now = uses_[b];
  const std::int64_t sign = adds ? 1 : -1;
  Use use{.num_images = now.num_images + sign * set.num_images,
          .pulls = now.pulls + sign * set.pulls,
          .cells = now.cells,
          .pool_nodes = now.pool_nodes};
  const RateModel& rates = blobs_.rates();
  for (const std::uint32_t e : set.elements) {
    const auto found = now.num_touching.find(e);
    const std::uint32_t touching = found == now.num_touching.end() ? 0 : found->second;
    if (touching != (adds ? 0U : 1U)) continue;
    use.cells += sign * rates.element_cells[e];
    use.pool_nodes += sign * rates.element_nodes[e];
  }
  SetCost(b, use);
  return use;
}

void RebaseState::Change(std::uint32_t b, const HolderSet& set, bool adds) {
  if (set.num_images == 0) return;
  Use use = Changed(b, set, adds);
  Use& now = uses_[b];
  cost_ = CheckedAdd(cost_, use.cost - now.cost);
  storage_bytes_ = CheckedAdd(storage_bytes_, use.storage_bytes - now.storage_bytes);
  transfer_bytes_ += use.transfer_bytes - now.transfer_bytes;
  use.num_touching = std::move(now.num_touching);
  for (const std::uint32_t e : set.elements) use.num_touching[e] += adds ? 1U : ~0U;
  now = std::move(use);
}

Bytes RebaseState::Difference(std::uint32_t g, std::uint32_t choice) const {
  const std::uint32_t from = LowerOf(g, choices_[g]);
  const std::uint32_t to = LowerOf(g, choice);
  if (from == to) return 0;
  Bytes difference = blobs_.OverheadOf(g, to) - blobs_.OverheadOf(g, from);
  const auto change = [&](bool adds) {
    return [&, adds](std::uint32_t b) {
      const HolderSet& set = blobs_.added_by(g, b);
      if (set.num_images > 0) difference += Changed(b, set, adds).cost - uses_[b].cost;
    };
  };
  ForEachDifference(blobs_.of_lower(from), blobs_.of_lower(to), change(false), change(true));
  return difference;
}

void RebaseState::Choose(std::uint32_t g, std::uint32_t choice) {
  const std::uint32_t from = LowerOf(g, choices_[g]);
  const std::uint32_t to = LowerOf(g, choice);
  choices_[g] = choice;
  if (from == to) return;
  cost_ += blobs_.OverheadOf(g, to) - blobs_.OverheadOf(g, from);
  const auto change = [&](bool adds) {
    return [&, adds](std::uint32_t b) { Change(b, blobs_.added_by(g, b), adds); };
  };
  ForEachDifference(blobs_.of_lower(from), blobs_.of_lower(to), change(false), change(true));
}

void RebaseState::ChooseAll(std::span<const std::uint32_t> choices) {
  for (std::uint32_t g = 0; g < choices.size(); ++g) {
    if (choices[g] != choices_[g]) Choose(g, choices[g]);
  }
}

namespace {

struct GroupChoice {
  std::uint32_t group = 0;
  std::uint32_t choice = 0;
};

class ChoiceSearch {
 public:
  ChoiceSearch(const RebaseProblem& problem, const std::function<bool()>& should_stop,
               RebaseState& state)
      : problem_(problem), should_stop_(should_stop), state_(state) {
    std::map<NodeIndex, std::vector<GroupChoice>> by_target;
    for (std::uint32_t g = 0; g < problem.groups.size(); ++g) {
      const auto& choices = problem.groups[g].choices;
      for (std::uint32_t c = 1; c < choices.size(); ++c) by_target[choices[c].to].push_back({g, c});
    }
    for (auto& [to, movers] : by_target) {
      if (movers.size() > 1) by_target_.push_back(std::move(movers));
    }
  }

  void Run() {
    for (bool improved = true; improved && !Stopped();) {
      const Bytes before = state_.cost();
      ImproveGroups();
      for (const auto& movers : by_target_) {
        if (Stopped()) return;
        TryGathering(movers);
      }
      LeaveLowers();
      improved = state_.cost() < before;
    }
  }

 private:
  bool Stopped() {
    stopped_ = stopped_ || (should_stop_ && should_stop_());
    return stopped_;
  }

  std::uint32_t LowerOf(std::uint32_t g, std::uint32_t choice) const {
    return problem_.groups[g].choices[choice].lower;
  }

  // The cheapest choice now, the present one if none is cheaper; `avoid`: a lower part that is out
  // of the question.
  std::uint32_t BestChoice(std::uint32_t g, std::uint32_t avoid = kNone) const {
    const std::uint32_t now = state_.choices()[g];
    std::uint32_t best = now;
    Bytes least = LowerOf(g, now) == avoid ? std::numeric_limits<Bytes>::max() : 0;
    for (std::uint32_t c = 0; c < problem_.groups[g].choices.size(); ++c) {
      if (c == now || LowerOf(g, c) == avoid) continue;
      const Bytes difference = state_.Difference(g, c);
      if (difference >= least) continue;
      least = difference;
      best = c;
    }
    return best;
  }

  void ImproveGroups() {
    for (bool improved = true; improved;) {
      improved = false;
      for (std::uint32_t g = 0; g < problem_.groups.size(); ++g) {
        if (Stopped()) return;
        const std::uint32_t best = BestChoice(g);
        if (best == state_.choices()[g]) continue;
        state_.Choose(g, best);
        improved = true;
      }
    }
  }

  void Remember(std::span<const GroupChoice> groups) {
    before_.clear();
    for (const GroupChoice& g : groups) before_.push_back({g.group, state_.choices()[g.group]});
  }
  void Restore() {
    for (const GroupChoice& g : before_) state_.Choose(g.group, g.choice);
  }

  void TryGathering(std::span<const GroupChoice> movers) {
    const Bytes cost = state_.cost();
    Remember(movers);
    for (const GroupChoice& mover : movers) state_.Choose(mover.group, mover.choice);
    for (bool improved = true; improved;) {
      improved = false;
      for (const GroupChoice& was : before_) {
        if (state_.Difference(was.group, was.choice) >= 0) continue;
        state_.Choose(was.group, was.choice);
        improved = true;
      }
    }
    if (state_.cost() >= cost) Restore();
  }

  void LeaveLowers() {
    std::map<std::uint32_t, std::vector<GroupChoice>> on_lower;
    for (std::uint32_t g = 0; g < problem_.groups.size(); ++g) {
      on_lower[LowerOf(g, state_.choices()[g])].push_back({g, state_.choices()[g]});
    }
    for (const auto& [lower, groups] : on_lower) {
      if (Stopped()) return;
      const Bytes cost = state_.cost();
      Remember(groups);
      for (const GroupChoice& g : groups) state_.Choose(g.group, BestChoice(g.group, lower));
      if (state_.cost() >= cost) Restore();
    }
  }

  const RebaseProblem& problem_;
  const std::function<bool()>& should_stop_;
  RebaseState& state_;
  std::vector<std::vector<GroupChoice>> by_target_;
  std::vector<GroupChoice> before_;
  bool stopped_ = false;
};

}  // namespace

void ImproveChoices(const RebaseProblem& problem, const std::function<bool()>& should_stop,
                    RebaseState& state) {
  ChoiceSearch(problem, should_stop, state).Run();
}

}  // namespace gneiss
