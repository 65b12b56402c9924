#include "planner/squash/squash.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "planner/contents/kept_images.h"
#include "planner/contents/merged_size.h"
#include "planner/cost/cost_model.h"
#include "planner/squash/segment_weights.h"

namespace gneiss {
namespace {

// The solver adds costs in a fixed-point unit; beyond this it has no room.
constexpr Bytes kMaxCost = Bytes{1} << 60;

// States of the dynamic program that branching may visit (about a second), and limits around it.
constexpr std::uint64_t kBranchWork = 200'000'000;
constexpr std::uint64_t kMinBranches = 16;
constexpr std::uint64_t kMaxBranches = 5000;

// Owns the arrays that a ChainPartitionProblem views.
class SquashProblem {
 public:
  // `kept`: per image, 1 for those that keep their layers; `trie` holds the others. `standalone`:
  // per layer. `contents` may be null. Keeps views of all but the
  // options.
  SquashProblem(const Fleet& fleet, const CostModel& model, const ImageGroups& cells,
                const LayerTrie& trie, const SquashOptions& options,
                const std::vector<std::uint8_t>& kept, const std::vector<std::uint8_t>& standalone,
                const LayerContents* contents)
      : fleet_(fleet), model_(model), kept_(kept), trie_(trie), rates_(fleet, model, cells) {
    FillNodes(standalone);
    FillElements();
    FillHeld();
    problem_.parent = trie_.parent;
    problem_.depth = trie_.depth;
    problem_.item = trie_.layer;
    problem_.size = size_;
    problem_.num_ends = trie_.num_ends;
    problem_.pulls = pulls_;
    problem_.standalone = standalone_;
    const RateModel& rates = rates_.model();
    problem_.scoped = rates.scoped;
    problem_.storage_weight = rates.storage_weight;
    problem_.fetch_weight = rates.fetch_weight;
    problem_.fetch_cold = rates.fetch_cold;
    problem_.fetch_nodes = rates.fetch_nodes;
    problem_.fetch_intensity = rates.fetch_intensity;
    problem_.segment_overhead = rates.layer_overhead;
    problem_.max_segments = options.max_layers;
    if (contents != nullptr) problem_.weights = &weights_.emplace(fleet, trie, *contents);
  }
  SquashProblem(const SquashProblem&) = delete;
  SquashProblem& operator=(const SquashProblem&) = delete;

  const ChainPartitionProblem& problem() const { return problem_; }
  // What the kept images cost by themselves; the solver's costs come on top.
  Bytes kept_cost() const { return kept_cost_; }
  OverlayWarnings merge_warnings() const {
    return weights_ ? weights_->warnings() : OverlayWarnings();
  }
  std::int64_t num_standalone_layers() const { return num_standalone_; }

 private:
  Bytes StoredSize(LayerIndex l) const {
    return fleet_.layers[l].foreign ? 0 : fleet_.layers[l].size;
  }

  void FillNodes(const std::vector<std::uint8_t>& alone) {
    const std::size_t n = trie_.size();
    for (const std::uint8_t is_alone : alone) num_standalone_ += is_alone;
    size_.resize(n);
    pulls_.assign(n, 0);
    if (num_standalone_ > 0) standalone_.resize(n);
    for (NodeIndex v = 0; v < n; ++v) {
      size_[v] = StoredSize(trie_.layer[v]);
      if (num_standalone_ > 0) standalone_[v] = alone[trie_.layer[v]];
      for (const ImageIndex i : trie_.images_ending(v)) pulls_[v] += fleet_.images[i].pulls;
    }
  }

  void FillElements() {
    if (!rates_.model().has_elements()) return;
    first_element_.push_back(0);
    for (NodeIndex v = 0; v < trie_.size(); ++v) {
      for (const ImageIndex i : trie_.images_ending(v)) {
        const auto elements = rates_.elements_of(i);
        elements_.insert(elements_.end(), elements.begin(), elements.end());
      }
      first_element_.push_back(elements_.size());
    }
    problem_.first_element = first_element_;
    problem_.elements = elements_;
    problem_.element_cells = rates_.model().element_cells;
    problem_.element_nodes = rates_.model().element_nodes;
  }

  // Layers of kept images stay whatever happens; others that use them pay only what they add.
  void FillHeld() {
    if (std::ranges::find(kept_, 1) == kept_.end()) return;
    held_.assign(fleet_.layers.size(), 0);
    held_pulls_.assign(fleet_.layers.size(), 0);
    std::vector<std::pair<LayerIndex, std::uint32_t>> touched;
    std::vector<ImageIndex> last(fleet_.layers.size(), kNone);
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      if (kept_[i] == 0) continue;
      const Image& image = fleet_.images[i];
      kept_cost_ =
          CheckedAdd(kept_cost_, CheckedMultiply(model_.options().layer_cost,
                                                 CheckedMultiply(image.pulls, image.num_layers)));
      for (const LayerIndex l : fleet_.chain(image)) {
        if (std::exchange(last[l], i) == i) continue;
        held_[l] = 1;
        held_pulls_[l] += image.pulls;
        for (const std::uint32_t e : rates_.elements_of(i)) touched.emplace_back(l, e);
      }
    }
    std::ranges::sort(touched);
    touched.erase(std::ranges::unique(touched).begin(), touched.end());
    std::size_t at = 0;
    for (LayerIndex l = 0; l < fleet_.layers.size(); ++l) {
      held_first_element_.push_back(held_elements_.size());
      std::int64_t cells = rates_.model().scoped ? 0 : 1;
      std::int64_t nodes = 0;
      for (; at < touched.size() && touched[at].first == l; ++at) {
        const std::uint32_t e = touched[at].second;
        held_elements_.push_back(e);
        cells += rates_.model().element_cells[e];
        nodes += rates_.model().element_nodes[e];
      }
      if (held_[l] == 0) continue;
      const double fetches = model_.Fetches(held_pulls_[l], nodes);
      kept_cost_ = CheckedAdd(kept_cost_, model_.BlobCost(StoredSize(l), cells, fetches));
    }
    held_first_element_.push_back(held_elements_.size());
    problem_.held = held_;
    problem_.held_pulls = held_pulls_;
    problem_.held_first_element = held_first_element_;
    problem_.held_elements = held_elements_;
  }

  const Fleet& fleet_;
  const CostModel& model_;
  const std::vector<std::uint8_t>& kept_;
  const LayerTrie& trie_;
  const FleetRates rates_;
  std::vector<std::int64_t> size_;
  std::vector<std::int64_t> pulls_;
  std::vector<std::uint8_t> standalone_;
  std::vector<std::uint64_t> first_element_;
  std::vector<std::uint32_t> elements_;
  std::vector<std::uint8_t> held_;
  std::vector<std::int64_t> held_pulls_;
  std::vector<std::uint64_t> held_first_element_;
  std::vector<std::uint32_t> held_elements_;
  std::optional<ContentWeights> weights_;
  Bytes kept_cost_ = 0;
  std::int64_t num_standalone_ = 0;
  ChainPartitionProblem problem_;
};

// Segment lengths of every image from the boundaries on the trie; images without a node keep their
// layers.
Layout ReadLayout(const Fleet& fleet, const LayerTrie& trie,
                  const std::vector<std::uint8_t>& boundary) {
  Layout layout;
  layout.first.reserve(fleet.images.size() + 1);
  std::vector<std::uint32_t> lengths;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    layout.first.push_back(layout.lengths.size());
    NodeIndex v = trie.node_of_image[i];
    if (v == kNoNode) {
      layout.lengths.insert(layout.lengths.end(), fleet.images[i].num_layers, 1U);
      continue;
    }
    lengths.assign(1, 0);
    for (bool last = true; v != kNoNode; v = trie.parent[v], last = false) {
      if (!last && boundary[v] != 0) lengths.push_back(0);
      ++lengths.back();
    }
    layout.lengths.insert(layout.lengths.end(), lengths.rbegin(), lengths.rend());
  }
  layout.first.push_back(layout.lengths.size());
  return layout;
}

void CountKnown(const Fleet& fleet, const LayerContents* contents, SquashPlan& plan) {
  const auto is_known = [&](LayerIndex l) {
    return contents != nullptr && contents->inventories[l].has_value();
  };
  for (LayerIndex l = 0; l < fleet.layers.size(); ++l) plan.num_known_layers += is_known(l) ? 1 : 0;
  for (const Image& image : fleet.images) {
    if (!std::ranges::all_of(fleet.chain(image), is_known)) ++plan.num_images_from_manifests;
  }
}

PlanStatus StatusOf(PartitionStatus status) {
  switch (status) {
    case PartitionStatus::kOptimal:
      return PlanStatus::kOptimal;
    case PartitionStatus::kGapReached:
      return PlanStatus::kGapReached;
    default:
      return PlanStatus::kIterationLimit;
  }
}

}  // namespace

SquashPlan PlanSquash(const Fleet& fleet, const CostModel& model, const Today& today,
                      const SquashOptions& options, const LayerContents* contents) {
  const ImageGroups& cells = today.cells;
  SquashPlan plan;
  CountKnown(fleet, contents, plan);
  plan.options = options;
  plan.current = today.cost;
  if (plan.current.cost > kMaxCost) {
    throw InputError(fmt::format(
        "today's layout costs {} byte-equivalents, more than 2^60: lower --storage-weight, "
        "--transfer-weight or --layer-cost, or check the sizes and pulls of the fleet",
        plan.current.cost));
  }
  if (plan.current.max_layers > options.max_layers) {
    // The limit may cost sharing, at worst all of it; that must add up as well.
    const LayoutCost flattened = AuditLayout(fleet, model, cells, FlattenedLayout(fleet));
    if (flattened.cost > kMaxCost) throw InputError("with --max-layers, costs can exceed 2^60");
  }
  const KeptImages kept = FindKeptImages(fleet, options.pins, options.max_layers, contents);
  plan.num_pinned = kept.num_pinned;
  plan.num_windows = kept.num_windows;
  plan.num_unwritable = kept.num_unwritable;
  plan.num_too_many_layers = kept.num_too_many_layers;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    if (kept.reason[i] == KeptReason::kPinned && fleet.images[i].num_layers > options.max_layers) {
      ++plan.num_over_limit;
    }
  }
  LayerTrie others;
  if (kept.any()) {
    others = BuildLayerTrie(fleet, [&](ImageIndex i) { return kept.flags[i] == 0; });
  }
  const LayerTrie& trie = kept.any() ? others : today.trie;
  const LayerContents* const known = plan.num_known_layers > 0 ? contents : nullptr;
  const SquashProblem problem(fleet, model, cells, trie, options, kept.flags,
                              FindStandaloneLayers(fleet, contents), known);
  plan.num_standalone_layers = problem.num_standalone_layers();
  plan.merge_warnings = problem.merge_warnings();
  ChainPartitionOptions partition_options{.gap_tolerance = options.gap_tolerance};
  // A branch solves the trees it touches a few dozen times; small fleets can afford many.
  const std::uint64_t branch_work = 24 * std::max<std::uint64_t>(1, trie.sum_of_depths());
  partition_options.max_branches =
      static_cast<std::uint32_t>(std::clamp(kBranchWork / branch_work, kMinBranches, kMaxBranches));
  const ChainPartition partition = PartitionChains(problem.problem(), partition_options);
  if (partition.status == PartitionStatus::kInfeasible) {
    throw AuditError(fmt::format("images that can meet --max-layers {} have no plan that does",
                                 options.max_layers));
  }
  plan.layout = ReadLayout(fleet, trie, partition.boundary);
  plan.lower_bound = problem.kept_cost() + partition.lower_bound;
  plan.status = StatusOf(partition.status);
  plan.num_shared_groups = partition.num_shared_groups;

  std::optional<MergedSizes> sizes;
  if (known != nullptr) sizes.emplace(fleet, *known);
  plan.blobs =
      FindLayoutBlobs(fleet, cells, plan.layout, {}, HolderLists::kKeep, sizes ? &*sizes : nullptr);
  plan.planned = CostOfBlobs(fleet, model, plan.layout, plan.blobs);
  RequireEqual("the cost of today's layout", problem.kept_cost() + partition.current_cost,
               plan.current.cost);
  RequireEqual("the cost of the squash plan", problem.kept_cost() + partition.cost,
               plan.planned.cost);
  if (plan.lower_bound > plan.planned.cost) {
    throw AuditError(
        fmt::format("the bound {} is above the cost {}", plan.lower_bound, plan.planned.cost));
  }
  return plan;
}

}  // namespace gneiss
