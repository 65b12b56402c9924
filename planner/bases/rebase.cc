#include "planner/bases/rebase.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <tuple>
#include <utility>

#include "planner/bases/rebase_bound.h"
#include "planner/bases/rebase_problem.h"
#include "planner/bases/rebase_state.h"
#include "planner/contents/kept_images.h"
#include "solver/chains/chain_partition.h"

namespace gneiss {
namespace {

constexpr std::int64_t kMaxRounds = 40;
constexpr std::int64_t kMaxIdleRounds = 6;  // in a row, in which neither bound nor plan got better
constexpr std::int64_t kRoundsToShorten = 2;
constexpr std::size_t kMaxWeak = 1000;  // kept for the report; the rest saves less

// What a plan takes, besides its bound.
struct RebaseAnswer {
  RebaseChoices choices;
  Bytes cost = 0;         // as RebaseState counts
  Bytes lower_bound = 0;  // of that
  std::int64_t num_rounds = 0;
  bool stopped = false;
};

// `rest`: what the fleet costs besides.
RebaseAnswer Solve(const RebaseBlobs& blobs, const RebaseOptions& options, Bytes rest) {
  const RebaseProblem& problem = blobs.problem();
  RebaseAnswer answer;
  const auto should_stop = [&] {
    answer.stopped = answer.stopped || (options.should_stop && options.should_stop());
    return answer.stopped;
  };
  RebaseState state(blobs);
  ImproveChoices(problem, should_stop, state);
  answer.choices = state.choices();
  answer.cost = state.cost();

  RebaseBound bound(blobs);
  bound.Refine(answer.choices, 1);
  double shortening = 1;
  const double tolerance = std::max(options.gap_tolerance, kOptimalityTolerance);
  for (std::int64_t idle = 0; idle < kMaxIdleRounds && answer.num_rounds < kMaxRounds;) {
    const RebaseBound::Round round = bound.Solve(should_stop);
    ++answer.num_rounds;
    ++idle;
    if (round.lower_bound > answer.lower_bound) {
      answer.lower_bound = round.lower_bound;
      idle = 0;
    }
    state.ChooseAll(round.choices);
    const Bytes true_cost = state.cost();
    ImproveChoices(problem, should_stop, state);
    if (state.cost() < answer.cost) {
      answer.cost = state.cost();
      answer.choices = state.choices();
      idle = 0;
    }
    if (RelativeGap(answer.cost + rest, answer.lower_bound + rest) <= tolerance || should_stop())
      break;
    // A full step would price the solution truly; Polyak's length is what lifts it to the plan.
    if (idle > 0 && idle % kRoundsToShorten == 0) shortening /= 2;
    const double missing = static_cast<double>(true_cost - round.lower_bound);
    const double wanted = static_cast<double>(answer.cost - round.lower_bound);
    const double step = missing <= 0 ? 1 : std::min(1.0, shortening * wanted / missing);
    if (!bound.Refine(round.choices, step)) break;
  }
  return answer;
}

Drift DriftOf(const Fleet& fleet, const LayerTrie& trie, std::span<const Lineage> lineages,
              const RebaseChoice& choice) {
  const bool has_base = choice.base_to != kNoNode;
  const Lineage& lineage = lineages[choice.lineage];
  return {.sign = lineage.sign,
          .lineage = lineage.name,
          .from = PrefixOf(trie, choice.from),
          .to = PrefixOf(trie, choice),
          .from_name = NameOfNode(fleet, trie, has_base ? choice.base_from : choice.from),
          .to_name = NameOfNode(fleet, trie, has_base ? choice.base_to : choice.to),
          .twin_name = has_base ? NameOfNode(fleet, trie, choice.to) : ""};
}

// Makes choices one after the other and says what each saves.
class SavingsCounter {
 public:
  explicit SavingsCounter(const RebaseBlobs& blobs) : state_(blobs) {}

  // Adds to the savings of `drift`.
  void Choose(std::uint32_t g, std::uint32_t choice, Drift& drift) {
    const Bytes cost = state_.cost();
    const Bytes storage = state_.storage_bytes();
    const auto transfer = std::llround(state_.transfer_bytes());
    state_.Choose(g, choice);
    drift.saves_cost += cost - state_.cost();
    drift.saves_storage_bytes += storage - state_.storage_bytes();
    drift.saves_transfer_bytes += transfer - std::llround(state_.transfer_bytes());
  }
  void Undo(std::uint32_t g) { state_.Choose(g, 0); }

 private:
  RebaseState state_;
};

void AppendImages(Drift& drift, const RebaseGroup& group) {
  const auto middle = static_cast<std::ptrdiff_t>(drift.images.size());
  drift.images.insert(drift.images.end(), group.images.begin(), group.images.end());
  std::inplace_merge(drift.images.begin(), drift.images.begin() + middle, drift.images.end());
}

// Moves of one lineage between the same two versions are one. What each saves is counted in order
// of what it would save alone.
std::vector<Drift> MovesOf(const Fleet& fleet, const LayerTrie& trie,
                           std::span<const Lineage> lineages, const RebaseBlobs& blobs,
                           const RebaseChoices& choices) {
  const RebaseProblem& problem = blobs.problem();
  std::map<std::tuple<std::uint32_t, NodeIndex, NodeIndex, NodeIndex, NodeIndex>,
           std::vector<std::uint32_t>>
      by_move;
  for (std::uint32_t g = 0; g < choices.size(); ++g) {
    const RebaseChoice& choice = problem.groups[g].choices[choices[g]];
    if (choice.to == kNoNode) continue;
    by_move[{choice.lineage, choice.from, choice.to, choice.base_from, choice.base_to}].push_back(
        g);
  }
  struct Move {
    Bytes alone = 0;
    std::vector<std::uint32_t> groups;
    Drift drift;
  };
  std::vector<Move> moves;
  SavingsCounter single(blobs);
  for (auto& [key, groups] : by_move) {
    const std::uint32_t first = groups.front();
    Move move{
        .groups = std::move(groups),
        .drift = DriftOf(fleet, trie, lineages, problem.groups[first].choices[choices[first]])};
    Drift alone;
    for (const std::uint32_t g : move.groups) {
      single.Choose(g, choices[g], alone);
      AppendImages(move.drift, problem.groups[g]);
    }
    for (const std::uint32_t g : move.groups) single.Undo(g);
    move.alone = alone.saves_cost;
    moves.push_back(std::move(move));
  }
  std::ranges::stable_sort(moves, std::greater{}, &Move::alone);
  SavingsCounter together(blobs);
  std::vector<Drift> drift;
  for (Move& move : moves) {
    for (const std::uint32_t g : move.groups) together.Choose(g, choices[g], move.drift);
    drift.push_back(std::move(move.drift));
  }
  std::ranges::stable_sort(drift, std::greater{}, &Drift::saves_cost);
  return drift;
}

// To the newest version of each weak lineage, where that alone saves.
std::vector<Drift> WeakMoves(const Fleet& fleet, const CostModel& model, const Today& today,
                             std::span<const Lineage> lineages,
                             std::span<const std::uint8_t> pinned) {
  const RebaseProblem problem =
      MakeRebaseProblem(fleet, today.trie, lineages, {.pinned = pinned, .weak = true});
  if (problem.groups.empty()) return {};
  const RebaseBlobs blobs(fleet, model, today, problem);
  SavingsCounter counter(blobs);
  std::vector<Drift> weak;
  for (std::uint32_t g = 0; g < problem.groups.size(); ++g) {
    const RebaseGroup& group = problem.groups[g];
    const auto c = static_cast<std::uint32_t>(group.choices.size() - 1);  // the newest comes last
    Drift drift = DriftOf(fleet, today.trie, lineages, group.choices[c]);
    drift.images = group.images;
    counter.Choose(g, c, drift);
    counter.Undo(g);
    if (drift.saves_cost > 0) weak.push_back(std::move(drift));
  }
  std::ranges::stable_sort(weak, std::greater{}, &Drift::saves_cost);
  if (weak.size() > kMaxWeak) weak.resize(kMaxWeak);
  return weak;
}

}  // namespace

RebasePlan PlanRebase(const Fleet& fleet, const CostModel& model, const Today& today,
                      const RebaseOptions& options) {
  const LayerTrie& trie = today.trie;
  const std::vector<std::uint8_t> pinned =
      FindKeptImages(fleet, options.pins, kAnyNumberOfLayers, options.contents).flags;
  const std::vector<Lineage> lineages = FindLineages(fleet, trie, options.lineages);
  RebasePlan plan{.current = today.cost, .planned = today.cost, .lower_bound = today.cost.cost};
  plan.weak = WeakMoves(fleet, model, today, lineages, pinned);

  const RebaseProblem problem = MakeRebaseProblem(
      fleet, trie, lineages, {.pinned = pinned, .allow_older = options.allow_older});
  plan.num_groups = static_cast<std::int64_t>(problem.groups.size());
  for (const RebaseGroup& group : problem.groups) {
    plan.num_choices += static_cast<std::int64_t>(group.choices.size()) - 1;
  }
  if (problem.groups.empty()) return plan;
  const RebaseBlobs blobs(fleet, model, today, problem);
  const RebaseState stays(blobs);
  const Bytes rest = today.cost.cost - stays.cost();
  const RebaseAnswer answer = Solve(blobs, options, rest);
  plan.num_rounds = answer.num_rounds;
  plan.lower_bound = CheckedAdd(rest, answer.lower_bound);
  plan.moves = MovesOf(fleet, trie, lineages, blobs, answer.choices);

  MovedChains chains(fleet);
  for (const Drift& drift : plan.moves) {
    chains.Move(drift);
    plan.num_moved_images += static_cast<std::int64_t>(drift.images.size());
  }
  const ChainOfImage after = [&](ImageIndex i) { return chains(i); };
  plan.planned = AuditLayout(fleet, model, today.cells, CurrentLayout(fleet, after), after);
  RequireEqual("the cost after moving to other bases", CheckedAdd(rest, answer.cost),
               plan.planned.cost);
  Bytes saved_storage = 0;
  for (const Drift& drift : plan.moves) saved_storage += drift.saves_storage_bytes;
  RequireEqual("the storage that moving to other bases saves", saved_storage,
               plan.current.storage_bytes - plan.planned.storage_bytes);
  if (plan.lower_bound > plan.planned.cost) {
    throw AuditError("the bound of moving to other bases is above the cost of a plan");
  }
  plan.status = plan.gap() <= kOptimalityTolerance    ? PlanStatus::kOptimal
                : plan.gap() <= options.gap_tolerance ? PlanStatus::kGapReached
                : answer.stopped                      ? PlanStatus::kTimeLimit
                                                      : PlanStatus::kIterationLimit;
  return plan;
}

}  // namespace gneiss
