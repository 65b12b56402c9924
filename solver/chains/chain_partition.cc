#include "solver/chains/chain_partition.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <queue>
#include <utility>

#include "solver/chains/blob_rates.h"

namespace gneiss {
namespace {

// Larger than any sum of costs, and a sum of three of it still fits.
constexpr std::int64_t kInfinite = std::numeric_limits<std::int64_t>::max() / 4;

// Prices are kept this much below what the split allows, so that rounding in a few hundred convex
// combinations of doubles (each at most 2^-53 of a price) never lifts a set above its cost.
constexpr double kPriceSafety = 1.0 - 1.0 / (std::int64_t{1} << 42);

std::int64_t AddSaturating(std::int64_t a, std::int64_t b) { return std::min(kInfinite, a + b); }

// Prices can be a little negative, so an impossible choice may come out a little below kInfinite.
constexpr std::int64_t kImpossible = kInfinite / 2;

// What branching has decided about the boundary after a node.
enum class Fixed : std::uint8_t { kFree, kClosed, kOpen };

// Price in the DP's fixed-point unit of the two uses of an occurrence.
struct Price {
  std::int64_t below = 0;
  std::int64_t ends = 0;
};

// The boundaries that cost the least at given prices, tree by tree.
class TreeProgram {
 public:
  TreeProgram(const ChainPartitionProblem& problem, const SharedSegments& shared,
              const BlobRates& rates, int scale_bits)
      : problem_(problem), shared_(shared), rates_(rates), scale_bits_(scale_bits) {
    std::uint32_t max_depth = 0;
    for (const std::uint32_t d : problem.depth) max_depth = std::max(max_depth, d);
    weights_.resize(max_depth + 1);
    close_.resize(max_depth + 1);
    pass_.resize(max_depth + 1);
    open_.resize(max_depth + 1);
    path_.assign(max_depth + 1, kNoNode);
    path_size_.assign(max_depth + 1, 0);
    start_depth_.resize(problem.parent.size());
    allowance_.resize(problem.parent.size());
    if (problem.max_segments == 0) return;
    used_.resize(max_depth + 1);
    num_levels_.assign(problem.parent.size(), 0);
    most_levels_.assign(problem.parent.size(), 0);
    // First the depth of the deepest image below, then what it asks for.
    for (auto v = static_cast<NodeIndex>(problem.parent.size()); v-- > 0;) {
      if (problem.num_ends[v] > 0) most_levels_[v] = std::max(most_levels_[v], problem.depth[v]);
      const NodeIndex up = problem.parent[v];
      if (up != kNoNode) most_levels_[up] = std::max(most_levels_[up], most_levels_[v]);
    }
    for (NodeIndex v = 0; v < problem.parent.size(); ++v) {
      const std::uint32_t deepest = most_levels_[v];
      most_levels_[v] = deepest <= problem.max_segments
                            ? 0
                            : std::min(problem.max_segments, deepest - problem.depth[v] + 1);
    }
  }

  // Optimum of the tree with nodes [root, end) at `prices` (per occurrence), in fixed point, with
  // the boundaries that `fixed` (per node, may be empty) leaves free; sets boundary[root .. end).
  // kImpossible or more when there is no solution.
  std::int64_t Solve(NodeIndex root, NodeIndex end, std::span<const Price> prices,
                     std::span<const Fixed> fixed, std::span<std::uint8_t> boundary) {
    fixed_ = fixed;
    if (problem_.max_segments == 0 || most_levels_[root] == 0) {
      mode_ = Mode::kFree;
      return SolveTree(root, end, prices, boundary);
    }
    mode_ = Mode::kMeasured;
    const std::int64_t cost = SolveTree(root, end, prices, boundary);
    if (MostSegments(root, end, boundary) <= problem_.max_segments) return cost;
    mode_ = Mode::kLimited;
    return SolveTree(root, end, prices, boundary);
  }

 private:
  // kMeasured is kFree, and sets num_levels_ for kLimited.
  enum class Mode { kFree, kMeasured, kLimited };

  // Where the limit of segments binds, a state also has an allowance: how many segments may still
  // follow the last boundary above. Level r - 1 stands for allowance r; the last level also for any
  // larger one, because the optimum without a limit uses no more. 0: it uses no more than what is
  // left at any boundary above, and one level stands for every allowance.
  std::uint32_t NumAllowances(NodeIndex v) const {
    return mode_ == Mode::kLimited ? num_levels_[v] : 0;
  }
  std::uint32_t NumLevels(NodeIndex v) const { return std::max(1U, NumAllowances(v)); }
  std::uint32_t LevelOf(NodeIndex v, std::uint32_t allowance) const {
    const std::uint32_t n = NumAllowances(v);
    // No allowance is left only where there is no solution at all; any level does then.
    return n == 0 || allowance == 0 ? 0 : std::min(allowance, n) - 1;
  }

  // The lowest of `levels` levels that is reached with the last boundary at depth a: at most a
  // segments lie above it, so at least max_segments - a are left.
  std::uint32_t LowestLevel(std::uint32_t levels, std::uint32_t a) const {
    if (levels == 1 || a >= problem_.max_segments) return 0;
    return std::min(levels - 1, problem_.max_segments - a - 1);
  }

  // What a level stands for with the last boundary at depth a: the last level also for all that is
  // left when every layer above is a segment.
  std::uint32_t AllowanceOf(std::uint32_t levels, std::uint32_t level, std::uint32_t a) const {
    const std::uint32_t left = a < problem_.max_segments ? problem_.max_segments - a : 0;
    return level + 1 == levels ? std::max(levels, left) : level + 1;
  }

  // open_[d][a * NumLevels(u) + level]: sum over the children of the present node u at depth d of
  // their optimum when the last boundary above them is at depth a.
  std::int64_t SolveTree(NodeIndex root, NodeIndex end, std::span<const Price> prices,
                         std::span<std::uint8_t> boundary) {
    std::uint64_t num_states = 0;
    for (NodeIndex v = root; v < end; ++v) {
      const std::uint32_t depth = problem_.depth[v];
      num_states += std::uint64_t{depth} * NumLevels(v);
      const std::size_t size = std::size_t{depth + 1} * NumLevels(v);
      if (open_[depth].size() < size) open_[depth].resize(size);
      path_[depth] = kNoNode;
      if (mode_ == Mode::kMeasured && used_[depth].empty()) used_[depth].assign(depth + 1, 0);
    }
    closed_bits_.assign((num_states + 63) / 64, 0);
    open_[0].assign(1, 0);
    if (mode_ == Mode::kMeasured) used_[0].assign(1, 0);
    std::uint64_t state = num_states;
    for (NodeIndex v = end; v-- > root;) {
      state -= std::uint64_t{problem_.depth[v]} * NumLevels(v);
      SegmentCosts(v, problem_.depth[v], prices);
      if (NumAllowances(v) == 0) {
        VisitFree(v, state);
      } else {
        VisitLimited(v, state);
      }
      if (mode_ == Mode::kMeasured) Measure(v, state);
    }
    TakeBoundaries(root, end, boundary);
    return open_[0][0];
  }

  bool IsAlone(NodeIndex v) const {
    return !problem_.standalone.empty() && problem_.standalone[v] != 0;
  }
  Fixed FixedAt(NodeIndex v) const { return fixed_.empty() ? Fixed::kFree : fixed_[v]; }
  void SetClosed(std::uint64_t state) {
    closed_bits_[state / 64] |= std::uint64_t{1} << (state % 64);
  }

  // Forbids what a standalone layer or a branch forbids at v, by prices that are never chosen.
  void Restrict(NodeIndex v, std::uint32_t depth) {
    const Fixed fixed = FixedAt(v);
    const bool alone = IsAlone(v);
    if (fixed == Fixed::kFree && !alone) return;
    for (std::uint32_t a = 0; a < depth; ++a) {
      if (fixed == Fixed::kOpen || (alone && a + 1 != depth)) close_[a] = kInfinite;
      if (fixed == Fixed::kClosed || alone) pass_[a] = kInfinite;
    }
  }

  void VisitFree(NodeIndex v, std::uint64_t first_state) {
    const std::uint32_t depth = problem_.depth[v];
    std::int64_t* const below = open_[depth].data();
    const std::int64_t after_boundary = below[depth];
    const NodeIndex up = problem_.parent[v];
    // Above a limited parent every allowance reaches the same optimum here.
    const std::uint32_t above_levels = up == kNoNode ? 1 : NumLevels(up);
    std::int64_t* above = open_[depth - 1].data();
    for (std::uint32_t a = 0; a < depth; ++a) {
      const std::int64_t close = close_[a] + after_boundary;
      const std::int64_t pass = pass_[a] + below[a];
      if (close <= pass) SetClosed(first_state + a);
      const std::int64_t best = std::min(close, pass);
      for (std::uint32_t level = LowestLevel(above_levels, a); level < above_levels; ++level) {
        above[level] = AddSaturating(above[level], best);
      }
      above += above_levels;
    }
    std::fill_n(below, depth + 1, 0);
  }

  // How many segments below each boundary the optimum without a limit uses at v, and so how many
  // allowances can make a difference there. used_[d][a]: most over the children of the present node
  // at depth d, when the last boundary above them is at depth a.
  void Measure(NodeIndex v, std::uint64_t first_state) {
    num_levels_[v] = 0;
    if (most_levels_[v] == 0) return;  // no image below is deep enough for the limit
    const std::uint32_t depth = problem_.depth[v];
    std::vector<std::uint32_t>& below = used_[depth];
    std::vector<std::uint32_t>& above = used_[depth - 1];
    const std::uint32_t ends = problem_.num_ends[v] > 0 ? 1 : 0;
    std::uint32_t most = 0;
    bool binds = false;
    for (std::uint32_t a = 0; a < depth; ++a) {
      const std::uint64_t state = first_state + a;
      const bool closed = ((closed_bits_[state / 64] >> (state % 64)) & 1) != 0;
      const std::uint32_t used = closed ? 1 + below[depth] : std::max(ends, below[a]);
      most = std::max(most, used);
      binds = binds || a + used > problem_.max_segments;
      above[a] = std::max(above[a], used);
    }
    if (binds) num_levels_[v] = std::min(most_levels_[v], most);
    std::ranges::fill(below, 0);
  }

  void VisitLimited(NodeIndex v, std::uint64_t first_state) {
    const std::uint32_t depth = problem_.depth[v];
    const std::uint32_t levels = NumLevels(v);
    const bool has_children = rates_.subtree_end(v) > v + 1;
    std::int64_t* const below = open_[depth].data();
    const std::int64_t* const after_boundary = below + std::size_t{depth} * levels;
    const NodeIndex up = problem_.parent[v];
    const std::uint32_t above_levels = up == kNoNode ? 1 : NumLevels(up);
    const bool above_is_free = up == kNoNode || NumAllowances(up) == 0;
    std::int64_t* above = open_[depth - 1].data();
    best_.resize(levels);
    for (std::uint32_t a = 0; a < depth; ++a) {
      for (std::uint32_t level = LowestLevel(levels, a); level < levels; ++level) {
        const std::size_t at = std::size_t{a} * levels + level;
        // Closing takes one of the allowance; what lies below then needs at least one more.
        const std::uint32_t allowance = AllowanceOf(levels, level, a);
        std::int64_t close = close_[a];
        if (has_children) {
          close = allowance == 1 ? kInfinite
                                 : close + after_boundary[std::min(allowance - 1, levels) - 1];
        }
        const std::int64_t pass = pass_[a] + below[at];
        if (close <= pass) SetClosed(first_state + at);
        best_[level] = std::min(close, pass);
        below[at] = 0;
      }
      for (std::uint32_t level = LowestLevel(above_levels, a); level < above_levels; ++level) {
        const std::uint32_t allowance =
            above_is_free ? problem_.max_segments : AllowanceOf(above_levels, level, a);
        above[level] = AddSaturating(above[level], best_[LevelOf(v, allowance)]);
      }
      above += above_levels;
    }
    std::fill_n(below + std::size_t{depth} * levels, levels, 0);
  }

  // Fills close_[a] and pass_[a] for every depth a of the last boundary above v.
  void SegmentCosts(NodeIndex v, std::uint32_t depth, std::span<const Price> prices) {
    FillWeights(v, depth);
    const double below = rates_.below(v);
    const double ends = rates_.ends(v);
    const std::int64_t below_overhead = problem_.segment_overhead * rates_.pulls_below(v);
    const std::int64_t ends_overhead = problem_.segment_overhead * problem_.pulls[v];
    for (std::uint32_t a = 0; a < depth; ++a) {
      close_[a] = (BlobCost(weights_[a], below) + below_overhead) << scale_bits_;
    }
    if (problem_.num_ends[v] > 0) {
      for (std::uint32_t a = 0; a < depth; ++a) {
        pass_[a] = (BlobCost(weights_[a], ends) + ends_overhead) << scale_bits_;
      }
    } else {
      std::fill_n(pass_.begin(), depth, 0);
    }
    const std::uint32_t first = shared_.first_occurrence[v];
    for (std::uint32_t o = first; o < shared_.first_occurrence[v + 1]; ++o) {
      const std::uint32_t a = depth - (o - first) - 1;
      close_[a] = prices[o].below + (below_overhead << scale_bits_);
      if (problem_.num_ends[v] > 0) pass_[a] = prices[o].ends + (ends_overhead << scale_bits_);
    }
    Restrict(v, depth);
  }

  void FillWeights(NodeIndex v, std::uint32_t depth) {
    if (problem_.weights != nullptr) {
      problem_.weights->Fill(v, std::span(weights_).first(depth));
      return;
    }
    // Only what is new on the path is read from the arrays of nodes: each node once in a tree.
    std::uint32_t same = depth;
    for (NodeIndex u = v; same > 0 && path_[same] != u; --same) {
      path_[same] = u;
      u = problem_.parent[u];
    }
    for (std::uint32_t d = same + 1; d <= depth; ++d) {
      path_size_[d] = path_size_[d - 1] + problem_.size[path_[d]];
    }
    for (std::uint32_t a = 0; a < depth; ++a) weights_[a] = path_size_[depth] - path_size_[a];
  }

  void TakeBoundaries(NodeIndex root, NodeIndex end, std::span<std::uint8_t> boundary) {
    std::uint64_t state = 0;
    for (NodeIndex v = root; v < end; ++v) {
      const NodeIndex up = problem_.parent[v];
      std::uint32_t a = 0;
      std::uint32_t allowance = problem_.max_segments;
      if (v != root) {
        a = boundary[up] != 0 ? problem_.depth[up] : start_depth_[up];
        allowance = allowance_[up] - (mode_ == Mode::kLimited ? boundary[up] : 0);
      }
      start_depth_[v] = a;
      allowance_[v] = allowance;
      const std::uint64_t at = state + std::uint64_t{a} * NumLevels(v) + LevelOf(v, allowance);
      boundary[v] = (closed_bits_[at / 64] >> (at % 64)) & 1;
      state += std::uint64_t{problem_.depth[v]} * NumLevels(v);
    }
  }

  // Most segments of any image that ends in the tree.
  std::uint32_t MostSegments(NodeIndex root, NodeIndex end,
                             std::span<const std::uint8_t> boundary) {
    std::uint32_t most = 0;
    std::vector<std::uint32_t>& above = allowance_;  // here: the boundaries above
    for (NodeIndex v = root; v < end; ++v) {
      const NodeIndex up = problem_.parent[v];
      above[v] = v == root ? 0 : above[up] + boundary[up];
      if (problem_.num_ends[v] > 0) most = std::max(most, above[v] + 1);
    }
    return most;
  }

  const ChainPartitionProblem& problem_;
  const SharedSegments& shared_;
  const BlobRates& rates_;
  const int scale_bits_;
  std::span<const Fixed> fixed_;
  Mode mode_ = Mode::kFree;
  // Per node, empty without a limit: levels of the present solution, and the most there can be (0:
  // no image at or below the node has more layers than the limit).
  std::vector<std::uint32_t> num_levels_;
  std::vector<std::uint32_t> most_levels_;
  std::vector<std::vector<std::uint32_t>> used_;
  std::vector<NodeIndex> path_;          // per depth: the node last visited or above that one
  std::vector<std::int64_t> path_size_;  // sizes down to that node
  std::vector<std::int64_t> weights_;
  std::vector<std::int64_t> close_;
  std::vector<std::int64_t> pass_;
  std::vector<std::vector<std::int64_t>> open_;
  std::vector<std::uint64_t> closed_bits_;
  std::vector<std::int64_t> best_;
  std::vector<std::uint32_t> start_depth_;
  std::vector<std::uint32_t> allowance_;
};

// Prices, bound and plan of one problem.
class Partitioner {
 public:
  Partitioner(const ChainPartitionProblem& problem, const ChainPartitionOptions& options)
      : problem_(problem),
        options_(options),
        shared_(FindSharedSegments(problem.parent, problem.item, problem.held)),
        rates_(problem, shared_),
        group_bytes_(shared_.num_groups()),
        use_(shared_.group.size(), Use::kNone),
        unit_price_(shared_.group.size()),
        prices_(shared_.group.size()) {
    for (NodeIndex v = 0; v < problem.parent.size(); ++v) {
      if (problem.parent[v] == kNoNode) roots_.push_back(v);
    }
    FillGroupBytes();
    tree_is_shared_.assign(roots_.size(), 0);
    for (const NodeIndex v : shared_.node) tree_is_shared_[TreeOf(v)] = 1;
  }

  ChainPartition Run() {
    ChainPartition result;
    const std::size_t n = problem_.parent.size();
    result.num_shared_groups = shared_.num_groups();
    boundary_.assign(n, 1);
    best_ = boundary_;
    result.current_cost = Evaluate(boundary_);
    if (n == 0) return result;
    // Today's layout is a plan too, unless it has more segments than allowed. Then the plan may
    // cost more than today, but never more than one segment for each image.
    std::uint32_t deepest = 0;
    for (NodeIndex v = 0; v < n; ++v) {
      if (problem_.num_ends[v] > 0) deepest = std::max(deepest, problem_.depth[v]);
    }
    std::int64_t highest_cost = result.current_cost;
    if (problem_.max_segments == 0 || deepest <= problem_.max_segments) {
      best_cost_ = result.current_cost;
    } else {
      highest_cost = std::max(highest_cost, Evaluate(std::vector<std::uint8_t>(n, 0)));
    }
    const int bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(highest_cost)));
    scale_bits_ = std::clamp(60 - bits, 0, 20);
    program_.emplace(problem_, shared_, rates_, scale_bits_);

    for (std::uint32_t g = 0; g < shared_.num_groups(); ++g) Mix(g, 1.0, {});
    tree_bound_.assign(roots_.size(), 0);
    tree_is_dirty_.assign(roots_.size(), 1);
    std::int64_t bound = Ascend(options_.max_iterations);
    if (bound >= kImpossible) {
      result.status = PartitionStatus::kInfeasible;
      return result;
    }
    if (!IsOptimal(bound)) bound = Branch(bound, result.num_branches);
    result.boundary = std::move(best_);
    result.cost = best_cost_;
    result.lower_bound = std::min(bound, best_cost_);
    result.num_iterations = num_iterations_;
    result.status = IsOptimal(result.lower_bound)     ? PartitionStatus::kOptimal
                    : GapIsClosed(result.lower_bound) ? PartitionStatus::kGapReached
                                                      : PartitionStatus::kIterationLimit;
    return result;
  }

  // True cost of `boundary`; sets use_ to the uses of shared segments in it.
  std::int64_t Evaluate(std::span<const std::uint8_t> boundary) {
    std::fill(use_.begin(), use_.end(), Use::kNone);
    segment_.resize(problem_.parent.size());
    std::vector<std::int64_t> weights;
    std::int64_t cost = 0;
    for (NodeIndex v = 0; v < problem_.parent.size(); ++v) {
      const NodeIndex up = problem_.parent[v];
      Segment& segment = segment_[v];
      if (up == kNoNode) {
        segment = {};
      } else if (boundary[up] != 0) {
        segment = {.start = problem_.depth[up]};
      } else {
        segment = segment_[up];
      }
      segment.bytes += problem_.size[v];
      const bool below = boundary[v] != 0;
      if (!below && problem_.num_ends[v] == 0) continue;
      const std::int64_t pulls = below ? rates_.pulls_below(v) : problem_.pulls[v];
      cost += problem_.segment_overhead * pulls;
      const std::uint32_t length = problem_.depth[v] - segment.start;
      if (length <= shared_.num_lengths(v)) {
        use_[shared_.first_occurrence[v] + length - 1] = below ? Use::kBelow : Use::kEnds;
        continue;
      }
      const std::int64_t bytes =
          problem_.weights == nullptr ? segment.bytes : SegmentBytes(v, segment.start, weights);
      cost += BlobCost(bytes, below ? rates_.below(v) : rates_.ends(v));
    }
    for (std::uint32_t g = 0; g < shared_.num_groups(); ++g) {
      cost += rates_.GroupCost(g, group_bytes_[g], use_);
    }
    return cost;
  }

 private:
  std::int64_t SegmentBytes(NodeIndex v, std::uint32_t start, std::vector<std::int64_t>& weights) {
    if (problem_.weights != nullptr) {
      weights.resize(problem_.depth[v]);
      problem_.weights->Fill(v, weights);
      return weights[start];
    }
    std::int64_t sum = 0;
    for (std::uint32_t d = problem_.depth[v]; d > start; --d, v = problem_.parent[v]) {
      sum += problem_.size[v];
    }
    return sum;
  }

  void FillGroupBytes() {
    std::vector<std::int64_t> weights;
    for (std::uint32_t g = 0; g < shared_.num_groups(); ++g) {
      const std::uint32_t o = shared_.occurrences(g).front();
      const NodeIndex v = shared_.node[o];
      group_bytes_[g] = SegmentBytes(v, problem_.depth[v] - shared_.length(o), weights);
    }
  }

  bool GapIsAtMost(double tolerance, std::int64_t bound) const {
    return static_cast<double>(best_cost_ - bound) <= tolerance * static_cast<double>(best_cost_);
  }
  bool IsOptimal(std::int64_t bound) const { return GapIsAtMost(kOptimalityTolerance, bound); }
  bool GapIsClosed(std::int64_t bound) const {
    return bound >= best_cost_ || GapIsAtMost(options_.gap_tolerance, bound);
  }

  // Solves, keeps the best plan, and moves the prices, as long as that lifts the bound of the
  // present fixed_ boundaries towards the best plan. Returns the bound, kImpossible or more when
  // there is no solution.
  std::int64_t Ascend(std::uint32_t max_iterations) {
    constexpr std::uint32_t kPatience = 40;
    std::int64_t bound = 0;
    double step = 1.0;
    std::uint32_t since_better_bound = 0;
    std::uint32_t num_polished = 0;
    for (std::uint32_t iteration = 1;; ++iteration) {
      const std::int64_t bound_now = SolveDirtyTrees();
      if (bound_now >= kImpossible) return bound_now;
      if (bound_now > bound) {
        bound = bound_now;
        since_better_bound = 0;
      } else if (++since_better_bound % 4 == 0) {
        step *= 0.7;
      }
      std::int64_t cost = Evaluate(boundary_);
      KeepBest(boundary_, cost);
      if (iteration % 16 == 1) {
        Improve();
        cost = Evaluate(boundary_);  // the uses of the DP's own answer again
      }
      const bool polished = IsOptimal(bound) && num_polished++ >= options_.max_polish_iterations;
      const bool stuck = iteration >= max_iterations || since_better_bound > kPatience;
      if (GapIsClosed(bound) || polished || stuck) break;
      const double ratio = static_cast<double>(best_cost_ - bound_now) /
                           std::max(1.0, static_cast<double>(cost - bound_now));
      if (!MovePrices(std::clamp(step * ratio, 0.0, 1.0))) break;
    }
    return bound;
  }

  // Best-first branch and bound over the boundaries; returns the proven bound.
  std::int64_t Branch(std::int64_t root_bound, std::uint32_t& num_branches) {
    struct Open {
      std::int64_t bound;
      std::uint32_t number;  // ties: the older first
      std::vector<std::pair<NodeIndex, Fixed>> fixed;

      bool operator<(const Open& other) const {
        return std::pair(other.bound, other.number) < std::pair(bound, number);
      }
    };
    constexpr std::uint32_t kShortAscent = 24;
    fixed_.assign(problem_.parent.size(), Fixed::kFree);
    std::priority_queue<Open> open;
    open.push({root_bound, 0, {}});
    std::uint32_t number = 0;
    while (!open.empty() && !IsOptimal(open.top().bound) && !GapIsClosed(open.top().bound) &&
           num_branches < options_.max_branches) {
      Open branch = open.top();
      open.pop();
      ++num_branches;
      for (const auto& [v, fixed] : branch.fixed) Fix(v, fixed);
      const std::int64_t bound = std::max(branch.bound, Ascend(kShortAscent));
      const NodeIndex v = bound >= kImpossible || bound >= best_cost_ ? kNoNode : ChooseBranch();
      for (const auto& [u, fixed] : branch.fixed) Fix(u, Fixed::kFree);
      if (bound >= kImpossible || bound >= best_cost_) continue;
      if (v == kNoNode) continue;  // every boundary is fixed, and that plan was counted
      for (const Fixed choice : {Fixed::kClosed, Fixed::kOpen}) {
        std::vector<std::pair<NodeIndex, Fixed>> fixed = branch.fixed;
        fixed.emplace_back(v, choice);
        open.push({bound, ++number, std::move(fixed)});
      }
    }
    return open.empty() ? best_cost_ : std::min(open.top().bound, best_cost_);
  }

  void Fix(NodeIndex v, Fixed fixed) {
    fixed_[v] = fixed;
    MarkTree(v);
  }

  // A free node on a segment of the group whose users pay too little by most, else any free node;
  // kNoNode when none is left.
  NodeIndex ChooseBranch() {
    Evaluate(boundary_);
    std::int64_t worst = 0;
    NodeIndex choice = kNoNode;
    for (std::uint32_t g = 0; g < shared_.num_groups(); ++g) {
      const std::int64_t slack = rates_.GroupCost(g, group_bytes_[g], use_) - Paid(g);
      if (slack <= worst) continue;
      for (const std::uint32_t o : shared_.occurrences(g)) {
        NodeIndex v = shared_.node[o];
        for (std::uint32_t i = shared_.length(o) + 1; i > 0 && v != kNoNode; --i) {
          if (fixed_[v] == Fixed::kFree) {
            choice = v;
            worst = slack;
            break;
          }
          v = problem_.parent[v];
        }
        if (worst == slack) break;
      }
    }
    for (NodeIndex v = 0; choice == kNoNode && v < fixed_.size(); ++v) {
      if (fixed_[v] == Fixed::kFree) choice = v;
    }
    return choice;
  }

  // Solves the trees whose prices or fixed boundaries changed. Returns the sum of all trees' optima
  // in whole units, rounded up (costs are whole), or kImpossible.
  std::int64_t SolveDirtyTrees() {
    ++num_iterations_;
    std::int64_t sum = 0;
    for (std::size_t t = 0; t < roots_.size(); ++t) {
      if (tree_is_dirty_[t] != 0) {
        const NodeIndex end = rates_.subtree_end(roots_[t]);
        tree_bound_[t] = program_->Solve(roots_[t], end, prices_, fixed_, boundary_);
        if (tree_bound_[t] >= kImpossible) return kImpossible;
        tree_is_dirty_[t] = 0;
      }
      sum += tree_bound_[t];
    }
    const std::int64_t unit = std::int64_t{1} << scale_bits_;
    return sum / unit + (sum % unit > 0 ? 1 : 0);
  }

  void KeepBest(const std::vector<std::uint8_t>& boundary, std::int64_t cost) {
    if (cost >= best_cost_) return;
    best_cost_ = cost;
    best_ = boundary;
  }

  std::size_t TreeOf(NodeIndex v) const {
    const auto after = std::upper_bound(roots_.begin(), roots_.end(), v);
    return static_cast<std::size_t>(after - roots_.begin()) - 1;
  }
  void MarkTree(NodeIndex v) { tree_is_dirty_[TreeOf(v)] = 1; }

  // Moves the prices of group g by the fraction `step` towards the split by `use`; an empty `use`
  // stands for the even split.
  void Mix(std::uint32_t g, double step, std::span<const Use> use) {
    const auto members = shared_.occurrences(g);
    split_.resize(members.size());
    rates_.SplitGroup(g, use.empty() ? std::span<const Use>(use_none()) : use, split_);
    const double bytes = static_cast<double>(group_bytes_[g]);
    // Images outside pay a rounded-up cost already; what rounding gave them cannot be charged
    // twice.
    const double held = bytes * rates_.HeldRate(g);
    const double rounding = std::ceil(held) - held;
    for (std::size_t i = 0; i < members.size(); ++i) {
      OccurrenceRates& unit = unit_price_[members[i]];
      unit.below = (1 - step) * unit.below + step * bytes * split_[i].below;
      unit.ends = (1 - step) * unit.ends + step * bytes * split_[i].ends;
      prices_[members[i]] = {.below = FixedPoint(unit.below - rounding),
                             .ends = FixedPoint(unit.ends - rounding)};
    }
  }

  std::span<const Use> use_none() {
    none_.resize(use_.size(), Use::kNone);
    return none_;
  }

  std::int64_t FixedPoint(double price) const {
    return static_cast<std::int64_t>(std::floor(std::ldexp(price * kPriceSafety, scale_bits_)));
  }

  // What the DP's uses of group g pay at present prices, rounded up.
  std::int64_t Paid(std::uint32_t g) const {
    double paid = 0;
    for (const std::uint32_t o : shared_.occurrences(g)) {
      if (use_[o] == Use::kBelow) paid += unit_price_[o].below;
      if (use_[o] == Use::kEnds) paid += unit_price_[o].ends;
    }
    return static_cast<std::int64_t>(std::ceil(paid * kPriceSafety));
  }

  // Moves the prices of every group whose users pay less than it costs. False when there is none.
  bool MovePrices(double step) {
    bool moved = false;
    for (std::uint32_t g = 0; g < shared_.num_groups(); ++g) {
      if (shared_.occurrences(g).size() < 2) continue;
      if (rates_.GroupCost(g, group_bytes_[g], use_) <= Paid(g)) continue;
      Mix(g, step, use_);
      for (const std::uint32_t o : shared_.occurrences(g)) MarkTree(shared_.node[o]);
      moved = true;
    }
    return moved;
  }

  // Solves again from the DP's answer with every shared segment at its marginal price, as long as
  // the true cost falls. Leaves the DP's prices and answer as they were.
  void Improve() {
    if (shared_.num_groups() == 0) return;
    constexpr int kMaxRounds = 4;
    std::vector<std::uint8_t> plan = boundary_;
    std::vector<Price> marginal(prices_.size());
    std::int64_t plan_cost = Evaluate(plan);
    for (int round = 0; round < kMaxRounds; ++round) {
      for (std::uint32_t g = 0; g < shared_.num_groups(); ++g) {
        const auto members = shared_.occurrences(g);
        split_.resize(members.size());
        rates_.MarginalGroup(g, use_, split_);
        const double bytes = static_cast<double>(group_bytes_[g]);
        for (std::size_t i = 0; i < members.size(); ++i) {
          marginal[members[i]] = {.below = FixedPoint(bytes * split_[i].below),
                                  .ends = FixedPoint(bytes * split_[i].ends)};
        }
      }
      for (std::size_t t = 0; t < roots_.size(); ++t) {
        if (tree_is_shared_[t] == 0) continue;  // the DP's answer is the best one there
        program_->Solve(roots_[t], rates_.subtree_end(roots_[t]), marginal, fixed_, plan);
      }
      const std::int64_t cost = Evaluate(plan);
      KeepBest(plan, cost);
      if (cost >= plan_cost) break;
      plan_cost = cost;
    }
  }

  const ChainPartitionProblem& problem_;
  const ChainPartitionOptions& options_;
  SharedSegments shared_;
  BlobRates rates_;
  // The segment that a node is in, of the plan being evaluated.
  struct Segment {
    std::int64_t bytes = 0;   // of its layers down to the node
    std::uint32_t start = 0;  // depth of the boundary above
  };
  std::vector<Segment> segment_;
  std::vector<NodeIndex> roots_;
  std::vector<std::int64_t> group_bytes_;
  std::vector<Use> use_;                     // per occurrence, of the last plan evaluated
  std::vector<OccurrenceRates> unit_price_;  // per occurrence, in units of cost
  std::vector<Price> prices_;                // the same in fixed point
  std::vector<OccurrenceRates> split_;
  std::vector<Use> none_;
  std::vector<std::int64_t> tree_bound_;
  std::vector<std::uint8_t> tree_is_dirty_;
  std::vector<std::uint8_t> tree_is_shared_;  // has a segment that stands elsewhere too
  std::optional<TreeProgram> program_;
  std::vector<Fixed> fixed_;            // per node while branching, else empty
  std::vector<std::uint8_t> boundary_;  // the DP's last answer
  std::vector<std::uint8_t> best_;
  std::int64_t best_cost_ = kInfinite;
  std::uint32_t num_iterations_ = 0;
  int scale_bits_ = 0;
};

}  // namespace

ChainPartition PartitionChains(const ChainPartitionProblem& problem,
                               const ChainPartitionOptions& options) {
  return Partitioner(problem, options).Run();
}

std::int64_t EvaluatePartition(const ChainPartitionProblem& problem,
                               std::span<const std::uint8_t> boundary) {
  const ChainPartitionOptions options;
  return Partitioner(problem, options).Evaluate(boundary);
}

}  // namespace gneiss
