#include "solver/deletion/deletion_budget.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <queue>
#include <span>
#include <utility>

#include "solver/deletion/deletion_cut.h"

namespace gneiss {
namespace {

// Holds the product of two sums.
__extension__ using Wide = __int128;

constexpr std::uint32_t kNoBranch = 0xffffffffU;

// ceil(part * loss / freed).
std::int64_t ShareOfLoss(std::int64_t part, std::int64_t loss, std::int64_t freed) {
  return static_cast<std::int64_t>((static_cast<Wide>(part) * loss + freed - 1) / freed);
}

// One more decision on top of those of another node.
struct Branch {
  enum class Kind : std::uint8_t { kFreed, kNotCounted, kGoes, kStays };
  std::uint32_t before = kNoBranch;  // into the list of all
  Kind kind = Kind::kFreed;
  std::uint32_t index = 0;  // of the blob or item
};

struct OpenNode {
  std::int64_t lower_bound = 0;
  std::uint32_t depth = 0;
  std::uint32_t last_branch = kNoBranch;  // also its number: later nodes have later ones

  // Which comes later: higher bound, then less deep, then found later.
  friend bool operator<(const OpenNode& a, const OpenNode& b) {
    if (a.lower_bound != b.lower_bound) return a.lower_bound > b.lower_bound;
    if (a.depth != b.depth) return a.depth < b.depth;
    return a.last_branch > b.last_branch;
  }
};

// Where the frontier of a problem has freed what is wanted.
struct FrontierSegment {
  bool is_feasible = false;
  std::int64_t lower_bound = 0;
  std::vector<std::uint8_t> goes;  // by id, at its upper end
  DeletionProblem between;         // what its lower end lacks of that; empty where that is nothing
};

class DeletionBudget {
 public:
  DeletionBudget(const DeletionProblem& problem, std::int64_t wanted,
                 const DeletionOptions& options)
      : problem_(Numbered(problem)), names_(problem.ids), wanted_(wanted), options_(options) {
    first_blob_.assign(problem_.num_items() + 1, 0);
    for (const std::uint32_t i : problem_.holders) ++first_blob_[i + 1];
    std::partial_sum(first_blob_.begin(), first_blob_.end(), first_blob_.begin());
    blobs_.resize(problem_.holders.size());
    std::vector<std::uint32_t> next(first_blob_.begin(), first_blob_.end() - 1);
    for (std::uint32_t b = 0; b < problem_.num_blobs(); ++b) {
      for (const std::uint32_t i : problem_.holders_of(b)) blobs_[next[i]++] = b;
    }
  }

  DeletionChoice Solve() {
    DeletionChoice choice;
    best_loss_ = std::numeric_limits<std::int64_t>::max();
    Visit({});
    choice.status = best_.empty() ? DeletionStatus::kInfeasible : DeletionStatus::kOptimal;
    while (choice.status == DeletionStatus::kOptimal && !open_.empty() &&
           open_.top().lower_bound < best_loss_) {
      if (num_nodes_ >= options_.max_nodes) {
        choice.status = DeletionStatus::kNodeLimit;
      } else if (options_.should_stop && options_.should_stop()) {
        choice.status = DeletionStatus::kStopped;
      } else {
        const OpenNode node = open_.top();
        open_.pop();
        Visit(node);
      }
    }
    choice.num_nodes = num_nodes_;
    if (best_.empty()) return choice;
    choice.loss = best_loss_;
    choice.freed = FreedOf(best_);
    choice.lower_bound =
        choice.status == DeletionStatus::kOptimal ? best_loss_ : open_.top().lower_bound;
    for (std::uint32_t i = 0; i < best_.size(); ++i) {
      if (best_[i] != 0) choice.ids.push_back(names_[i]);
    }
    std::ranges::sort(choice.ids);
    return choice;
  }

 private:
  // Items and blobs by number, whatever they are called outside.
  static DeletionProblem Numbered(const DeletionProblem& problem) {
    DeletionProblem numbered = JoinEqualBlobs(problem);
    std::iota(numbered.ids.begin(), numbered.ids.end(), 0U);
    std::iota(numbered.blob_ids.begin(), numbered.blob_ids.end(), 0U);
    return numbered;
  }

  // Bounds a node, takes what it offers, and opens its two branches.
  void Visit(const OpenNode& node) {
    ++num_nodes_;
    const FrontierSegment segment = SegmentOf(node);
    if (!segment.is_feasible) return;
    Offer(segment.goes);
    if (segment.lower_bound >= best_loss_ || segment.between.num_items() == 0) return;
    const DeletionProblem& between = segment.between;
    Branch branch{.before = node.last_branch};
    const bool has_blob = between.num_blobs() > 0;
    if (has_blob) {
      const auto largest = std::ranges::max_element(between.weight) - between.weight.begin();
      branch.index = between.blob_ids[static_cast<std::size_t>(largest)];
    } else {
      const auto largest = std::ranges::max_element(between.alone) - between.alone.begin();
      branch.index = between.ids[static_cast<std::size_t>(largest)];
    }
    for (const bool takes : {true, false}) {
      branch.kind = has_blob ? (takes ? Branch::Kind::kFreed : Branch::Kind::kNotCounted)
                             : (takes ? Branch::Kind::kGoes : Branch::Kind::kStays);
      open_.push({.lower_bound = segment.lower_bound,
                  .depth = node.depth + 1,
                  .last_branch = static_cast<std::uint32_t>(branches_.size())});
      branches_.push_back(branch);
    }
  }

  // What the decisions of a node leave open, as one problem without what must go or cannot count.
  FrontierSegment SegmentOf(const OpenNode& node) {
    constexpr std::uint32_t kGone = 0;
    constexpr std::uint32_t kOpen = 1;
    std::vector<std::uint32_t> part(problem_.num_items(), kOpen);
    std::vector<std::uint8_t> stays(problem_.num_items(), 0);
    std::vector<std::uint8_t> is_counted(problem_.num_blobs(), 1);
    for (std::uint32_t at = node.last_branch; at != kNoBranch; at = branches_[at].before) {
      const Branch& branch = branches_[at];
      switch (branch.kind) {
        case Branch::Kind::kFreed:
          for (const std::uint32_t i : problem_.holders_of(branch.index)) part[i] = kGone;
          break;
        case Branch::Kind::kNotCounted:
          is_counted[branch.index] = 0;
          break;
        case Branch::Kind::kGoes:
          part[branch.index] = kGone;
          break;
        case Branch::Kind::kStays:
          stays[branch.index] = 1;
          break;
      }
    }
    DeletionProblem counted;
    for (std::uint32_t i = 0; i < problem_.num_items(); ++i) {
      if (stays[i] != 0 && part[i] == kGone) return {};
      counted.AddItem(i, problem_.loss[i]);
      counted.alone[i] = stays[i] != 0 ? 0 : problem_.alone[i];
    }
    for (std::uint32_t b = 0; b < problem_.num_blobs(); ++b) {
      const auto holders = problem_.holders_of(b);
      const auto is_gone = [&](std::uint32_t i) { return part[i] == kGone; };
      // A blob that goes anyhow is freed in the other branch.
      if (is_counted[b] == 0 && std::ranges::all_of(holders, is_gone)) return {};
      if (is_counted[b] == 0 ||
          std::ranges::any_of(holders, [&](std::uint32_t i) { return stays[i] != 0; })) {
        continue;
      }
      counted.AddBlob(b, problem_.weight[b], holders);
    }
    std::vector<DeletionProblem> parts = SplitDeletions(counted, part, 2);
    return Descend(parts[kGone], std::move(parts[kOpen]));
  }

  // Halves what is open between the ends of the frontier until nothing lies between them.
  FrontierSegment Descend(const DeletionProblem& gone, DeletionProblem open) const {
    FrontierSegment segment;
    segment.goes.assign(problem_.num_items(), 0);
    for (const std::uint32_t i : gone.ids) segment.goes[i] = 1;
    segment.lower_bound = gone.total_loss();
    std::int64_t missing = wanted_ - gone.total_freed();
    while (missing > 0) {
      const std::int64_t loss = open.total_loss();
      const std::int64_t freed = open.total_freed();
      if (freed < missing) return segment;
      const std::vector<std::uint8_t> chosen =
          loss == 0 ? std::vector<std::uint8_t>() : MostWorthAt(open, freed, loss);
      if (std::ranges::find(chosen, 1) == chosen.end()) {
        for (const std::uint32_t i : open.ids) segment.goes[i] = 1;
        segment.lower_bound += ShareOfLoss(missing, loss, freed);
        segment.between = std::move(open);
        break;
      }
      std::vector<std::uint32_t> side(chosen.size());
      std::ranges::transform(chosen, side.begin(), [](std::uint8_t is_in) { return 1U - is_in; });
      std::vector<DeletionProblem> sides = SplitDeletions(open, side, 2);
      const std::int64_t freed_first = sides[0].total_freed();
      if (freed_first >= missing) {
        open = std::move(sides[0]);
        continue;
      }
      for (const std::uint32_t i : sides[0].ids) segment.goes[i] = 1;
      segment.lower_bound += sides[0].total_loss();
      missing -= freed_first;
      open = std::move(sides[1]);
    }
    segment.is_feasible = true;
    return segment;
  }

  std::int64_t FreedOf(const std::vector<std::uint8_t>& goes) const {
    std::int64_t freed = 0;
    for (std::uint32_t i = 0; i < goes.size(); ++i) freed += goes[i] != 0 ? problem_.alone[i] : 0;
    for (std::uint32_t b = 0; b < problem_.num_blobs(); ++b) {
      const auto holders = problem_.holders_of(b);
      const bool is_freed =
          std::ranges::all_of(holders, [&](std::uint32_t i) { return goes[i] != 0; });
      freed += is_freed ? problem_.weight[b] : 0;
    }
    return freed;
  }

  // Keeps items of `goes` that can stay, those first that free least for their loss, of equals
  // the last, and takes what is left if it is the best so far.
  void Offer(std::vector<std::uint8_t> goes) {
    std::int64_t freed = FreedOf(goes);
    std::vector<std::uint32_t> num_staying(problem_.num_blobs(), 0);
    for (std::uint32_t b = 0; b < problem_.num_blobs(); ++b) {
      for (const std::uint32_t i : problem_.holders_of(b)) num_staying[b] += goes[i] == 0 ? 1 : 0;
    }
    const auto blobs_of = [&](std::uint32_t i) {
      return std::span(blobs_).subspan(first_blob_[i], first_blob_[i + 1] - first_blob_[i]);
    };
    const auto frees = [&](std::uint32_t i) {
      std::int64_t sum = problem_.alone[i];
      for (const std::uint32_t b : blobs_of(i)) sum += num_staying[b] == 0 ? problem_.weight[b] : 0;
      return sum;
    };
    struct Item {
      std::uint32_t item;
      std::int64_t freed;
      std::int64_t loss;
    };
    for (bool again = true; again;) {
      again = false;
      std::vector<Item> order;
      for (auto i = static_cast<std::uint32_t>(goes.size()); i-- > 0;) {
        if (goes[i] != 0) order.push_back({i, frees(i), problem_.loss[i]});
      }
      std::ranges::stable_sort(order, [](const Item& a, const Item& b) {
        if (a.freed == 0 || b.freed == 0) return a.freed < b.freed;
        return static_cast<Wide>(a.freed) * b.loss < static_cast<Wide>(b.freed) * a.loss;
      });
      for (const Item& item : order) {
        const std::int64_t less = frees(item.item);
        if (freed - less < wanted_) continue;
        goes[item.item] = 0;
        freed -= less;
        for (const std::uint32_t b : blobs_of(item.item)) ++num_staying[b];
        again = true;
      }
    }
    std::int64_t loss = 0;
    for (std::uint32_t i = 0; i < goes.size(); ++i) loss += goes[i] != 0 ? problem_.loss[i] : 0;
    if (loss >= best_loss_) return;
    best_loss_ = loss;
    best_ = std::move(goes);
  }

  const DeletionProblem problem_;
  const std::vector<std::uint32_t>& names_;
  std::int64_t wanted_;
  const DeletionOptions& options_;
  std::vector<std::uint32_t> first_blob_;  // per item, and one past the end: into blobs_
  std::vector<std::uint32_t> blobs_;
  std::vector<Branch> branches_;
  std::priority_queue<OpenNode> open_;
  std::int64_t num_nodes_ = 0;
  std::int64_t best_loss_ = 0;
  std::vector<std::uint8_t> best_;  // by item; empty: none yet
};

}  // namespace

DeletionChoice ChooseDeletions(const DeletionProblem& problem, std::int64_t wanted,
                               const DeletionOptions& options) {
  return DeletionBudget(problem, wanted, options).Solve();
}

}  // namespace gneiss
