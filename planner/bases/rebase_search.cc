#include "planner/bases/rebase_search.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace gneiss {
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
