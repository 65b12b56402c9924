#include "planner/plan.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "planner/carve.h"
#include "planner/generated_layout.h"
#include "planner/merged_size.h"
#include "planner/today.h"

namespace gneiss {

Layout KeptBaseLayout(const Fleet& fleet, const LayerTrie& trie) {
  Layout layout;
  layout.first.reserve(fleet.images.size() + 1);
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    layout.first.push_back(layout.lengths.size());
    const std::uint32_t num_layers = fleet.images[i].num_layers;
    if (num_layers == 0) continue;
    std::uint32_t base = 0;
    for (NodeIndex v = trie.parent[trie.node_of_image[i]]; v != kNoNode; v = trie.parent[v]) {
      if (trie.num_ends[v] == 0) continue;
      base = trie.depth[v];
      break;
    }
    // The base keeps the layers it has: squashing an image leaves other images alone.
    layout.lengths.insert(layout.lengths.end(), base, 1U);
    layout.lengths.push_back(num_layers - base);
  }
  layout.first.push_back(layout.lengths.size());
  return layout;
}

namespace {

constexpr std::array<std::uint32_t, 9> kFrontierLayers = {1, 2, 3, 5, 8, 12, 16, 20, 40};
// Weight of storage; transfer has the rest of 2, so that layers weigh what they do by default.
constexpr std::array<double, 5> kFrontierWeights = {0.05, 0.5, 1, 1.5, 1.95};

std::vector<std::vector<ImageIndex>> ImageSets(const GeneratedLayout& layout) {
  std::vector<std::vector<ImageIndex>> sets;
  for (const GeneratedLayer& layer : layout.layers) sets.push_back(layer.images);
  std::ranges::sort(sets);
  const auto repeated = std::ranges::unique(sets);
  sets.erase(repeated.begin(), repeated.end());
  return sets;
}

// One level of a plan for the images whose contents are known.
class ContentPlanner {
 public:
  ContentPlanner(const Fleet& fleet, const CostModel& model, const Today& today,
                 const PlanOptions& options, const LayerContents& contents)
      : fleet_(fleet),
        model_(model),
        today_(today),
        options_(options),
        contents_(contents),
        pinned_(MatchPins(fleet, options.squash.pins)) {}

  std::optional<ContentPlan> Run() {
    Begin("contents of images");
    ContentProblem problem(fleet_, model_, today_, contents_,
                           {.ignore_mtime = options_.ignore_mtime, .pinned = pinned_});
    if (problem.num_images() == 0) return std::nullopt;
    ContentPlan plan;
    plan.num_images = problem.num_images();
    plan.floor = problem.floor();
    const bool has_tree = problem.num_images() <= kMaxMergeTreeImages;
    if (has_tree && (options_.wants_new_bases || options_.wants_carve)) {
      Begin("common bases");
      NewBases bases = PlanNewBases(problem, {.max_layers = options_.squash.max_layers,
                                              .num_bases = options_.num_bases,
                                              .wants_frontier = options_.wants_frontier,
                                              .should_stop = options_.should_stop});
      offered_ = ImageSets(bases.plan.layout);
      if (options_.wants_new_bases) plan.bases = std::move(bases);
    }
    if (options_.wants_carve) {
      Begin("carved layers");
      plan.carve = Carve(problem, options_.squash.max_layers);
    }
    if (options_.wants_frontier && options_.wants_carve) AddFrontier(problem, plan);
    plan.atoms = std::move(problem).TakeAtoms();
    return plan;
  }

 private:
  void Begin(std::string_view stage) const {
    if (options_.on_stage) options_.on_stage(stage);
  }

  GeneratedPlan Carve(const ContentProblem& problem, std::uint32_t max_layers) const {
    return PlanCarve(
        problem,
        {.max_layers = max_layers, .offered = offered_, .should_stop = options_.should_stop});
  }

  void AddFrontier(const ContentProblem& problem, ContentPlan& plan) const {
    const CostOptions& cost = model_.options();
    for (const std::uint32_t k : kFrontierLayers) {
      if (k > options_.squash.max_layers) break;
      Begin(fmt::format("at most {} layers", k));
      plan.by_layers.push_back(
          {k, cost.storage_weight, cost.transfer_weight, Carve(problem, k).planned});
    }
    for (const double weight : kFrontierWeights) {
      Begin(fmt::format("storage weighs {:g}", weight));
      CostOptions weighed = cost;
      weighed.storage_price.reset();
      weighed.transfer_price.reset();
      weighed.storage_weight = weight;
      weighed.transfer_weight = 2 - weight;
      const CostModel model(fleet_, weighed);
      const Today today = MakeToday(fleet_, model);
      const ContentProblem other(fleet_, model, today, contents_,
                                 {.ignore_mtime = options_.ignore_mtime, .pinned = pinned_});
      const GeneratedPlan carved = Carve(other, options_.squash.max_layers);
      plan.by_weights.push_back(
          {options_.squash.max_layers, weight, 2 - weight,
           CostOfGeneratedLayout(fleet_, model_, today_.cells, problem.atoms(), carved.layout)});
    }
  }

  const Fleet& fleet_;
  const CostModel& model_;
  const Today& today_;
  const PlanOptions& options_;
  const LayerContents& contents_;
  std::vector<std::uint8_t> pinned_;
  std::vector<std::vector<ImageIndex>> offered_;
};

// What an effort is worth beside pushing an image again: whose work it is, and how much is to be
// tested after.
double EffortWeight(Effort effort) {
  constexpr std::array<double, 5> kWeights = {1, 2, 4, 3, 20};
  return kWeights[static_cast<std::size_t>(effort)];
}

// Per layer, "debian 12"; empty where it has no os-release or is not known.
std::vector<std::string> OsReleases(const LayerContents& contents) {
  std::vector<std::string> releases(contents.inventories.size());
  for (std::size_t l = 0; l < releases.size(); ++l) {
    const auto& inventory = contents.inventories[l];
    if (!inventory || inventory->os_release.id.empty()) continue;
    const OsRelease& os = inventory->os_release;
    releases[l] = os.id;
    // Releases that are not out yet have a name and no number.
    const std::string& version = os.version_id.empty() ? os.codename : os.version_id;
    if (!version.empty()) releases[l] += " " + version;
  }
  return releases;
}

bool IsWeak(const Plan& plan, const Recommendation& r) {
  return r.kind == RecommendationKind::kRebase && plan.bases.drift[r.drift].weak();
}

}  // namespace

std::vector<const Recommendation*> Plan::Ranked() const {
  std::vector<const Recommendation*> ranked;
  for (const auto* const of : {&moves, &joins, &new_bases, &carved}) {
    for (const Recommendation& r : *of) ranked.push_back(&r);
  }
  std::ranges::stable_sort(ranked, [&](const Recommendation* a, const Recommendation* b) {
    const auto rank = [&](const Recommendation& r) {
      return std::pair(IsWeak(*this, r),
                       -static_cast<double>(r.saves_cost) / EffortWeight(r.effort));
    };
    return rank(*a) < rank(*b);
  });
  return ranked;
}

Plan MakePlan(const Fleet& fleet, const PlanOptions& options, const LayerContents* contents) {
  const auto begin = [&](std::string_view stage) {
    if (options.on_stage) options.on_stage(stage);
  };
  begin("today's layout");
  const CostModel model(fleet, options.cost);
  const Today today = MakeToday(fleet, model);
  begin("squash boundaries");
  SquashPlan squash = PlanSquash(fleet, model, today, options.squash, contents);
  begin("recommendations");
  std::vector<Recommendation> joins = RecommendJoins(fleet, model, today, squash);
  squash.blobs = {};
  begin("bases and drift");
  const std::vector<std::string> os_release =
      contents != nullptr ? OsReleases(*contents) : std::vector<std::string>();
  BasesReport bases = FindBases(fleet, model, today,
                                {.lineages = {.rules = options.lineages, .os_release = os_release},
                                 .pins = options.squash.pins,
                                 .allow_older = options.allow_older,
                                 .gap_tolerance = options.squash.gap_tolerance,
                                 .should_stop = options.should_stop});
  std::vector<Recommendation> moves = RecommendMoves(bases);
  begin("comparisons");
  std::optional<MergedSizes> sizes;
  if (contents != nullptr) sizes.emplace(fleet, *contents);
  const auto audit = [&](const Layout& layout) {
    return AuditLayout(fleet, model, today.cells, layout, {}, sizes ? &*sizes : nullptr);
  };
  std::optional<ContentPlan> from_contents;
  if (contents != nullptr && (options.wants_new_bases || options.wants_carve)) {
    from_contents = ContentPlanner(fleet, model, today, options, *contents).Run();
  }
  std::vector<Recommendation> new_bases;
  std::vector<Recommendation> carved;
  if (from_contents && from_contents->bases) {
    new_bases = RecommendNewBases(*from_contents->bases);
  }
  if (from_contents && from_contents->carve) {
    carved = RecommendCarving(*from_contents->carve);
  }
  return {.model = model,
          .contents = contents,
          .squash = std::move(squash),
          .joins = std::move(joins),
          .flattened = audit(FlattenedLayout(fleet)),
          .kept_base = audit(KeptBaseLayout(fleet, today.trie)),
          .bases = std::move(bases),
          .moves = std::move(moves),
          .from_contents = std::move(from_contents),
          .new_bases = std::move(new_bases),
          .carved = std::move(carved)};
}

}  // namespace gneiss
