#include "solver/deletion/deletion_frontier.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "solver/deletion/deletion_cut.h"

namespace gneiss {
namespace {

// Holds the product of two sums.
__extension__ using Wide = __int128;

bool FreesMore(const DeletionStep& a, const DeletionStep& b) {
  return static_cast<Wide>(a.freed) * b.loss > static_cast<Wide>(b.freed) * a.loss;
}

DeletionStep WholeStep(const DeletionProblem& part) {
  DeletionStep step{.ids = part.ids, .loss = part.total_loss(), .freed = part.total_freed()};
  std::ranges::sort(step.ids);
  return step;
}

// What costs nothing comes first, and is one point.
void JoinFreeSteps(std::vector<DeletionStep>& steps) {
  const auto first_priced =
      std::ranges::find_if(steps, [](const DeletionStep& step) { return step.loss > 0; });
  if (first_priced - steps.begin() < 2) return;
  DeletionStep& joined = steps.front();
  for (auto step = steps.begin() + 1; step != first_priced; ++step) {
    joined.ids.insert(joined.ids.end(), step->ids.begin(), step->ids.end());
    joined.freed += step->freed;
  }
  std::ranges::sort(joined.ids);
  steps.erase(steps.begin() + 1, first_priced);
}

}  // namespace

std::vector<DeletionStep> DeletionFrontier(const DeletionProblem& problem) {
  std::vector<DeletionStep> steps;
  std::vector<DeletionProblem> open;  // what comes first last
  const auto push_apart = [&](const DeletionProblem& part) {
    std::vector<DeletionProblem> apart = SplitApart(part);
    std::ranges::move(apart.rbegin(), apart.rend(), std::back_inserter(open));
  };
  push_apart(JoinEqualBlobs(problem));
  while (!open.empty()) {
    const DeletionProblem part = std::move(open.back());
    open.pop_back();
    DeletionStep whole = WholeStep(part);
    if (whole.freed == 0) continue;
    std::vector<std::uint8_t> chosen;
    // What costs nothing goes as a whole, and so does one item.
    if (whole.loss > 0 && part.num_items() > 1) {
      chosen = MostWorthAt(part, whole.freed, whole.loss);
    }
    if (std::ranges::find(chosen, 1) == chosen.end()) {
      steps.push_back(std::move(whole));
      continue;
    }
    std::vector<std::uint32_t> side(chosen.size());
    std::ranges::transform(chosen, side.begin(), [](std::uint8_t is_in) { return 1U - is_in; });
    const std::vector<DeletionProblem> sides = SplitDeletions(part, side, 2);
    push_apart(sides[1]);
    push_apart(sides[0]);
  }
  // Stable: steps of one part of the fleet are in this order already.
  std::ranges::stable_sort(steps, FreesMore);
  JoinFreeSteps(steps);
  return steps;
}

}  // namespace gneiss
