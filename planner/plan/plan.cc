#include "planner/plan/plan.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "planner/carve/carve.h"
#include "planner/contents/kept_images.h"
#include "planner/contents/merged_size.h"
#include "planner/cost/today.h"

namespace gneiss {
namespace {

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

// `layout` with every layer of the images that `keeps` has a segment of its own.
Layout KeepLayers(const Fleet& fleet, const Layout& layout, std::span<const std::uint8_t> keeps) {
  if (std::ranges::find(keeps, 1) == keeps.end()) return layout;
  Layout kept;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    kept.first.push_back(kept.lengths.size());
    if (keeps[i] != 0) {
      kept.lengths.insert(kept.lengths.end(), fleet.images[i].num_layers, 1U);
    } else {
      kept.lengths.insert(kept.lengths.end(), layout.of(i).begin(), layout.of(i).end());
    }
  }
  kept.first.push_back(kept.lengths.size());
  return kept;
}

bool IsWeak(const Plan& plan, const Recommendation& r) {
  return r.kind == RecommendationKind::kRebase && plan.bases.drift[r.drift].weak();
}

}  // namespace

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

std::string Plan::DescribeModel() const {
  std::string text = model.Describe();
  if (contents == nullptr || squash.num_known_layers == 0) return text;
  const std::optional<LayerCodec> codec = contents->new_codec();
  return text + (codec ? fmt::format("; new layers in {}", LayerCodecName(*codec))
                       : "; new layers as they are compressed today");
}

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
  const auto begin = [&](PlanStage stage) {
    if (options.on_stage) options.on_stage(stage);
  };
  begin(PlanStage::kToday);
  const CostModel model(fleet, options.cost);
  const Today today = MakeToday(fleet, model);
  begin(PlanStage::kSquash);
  SquashPlan squash = PlanSquash(fleet, model, today, options.squash, contents);
  begin(PlanStage::kRecommendations);
  std::vector<Recommendation> joins = RecommendJoins(fleet, model, today, squash, contents);
  squash.blobs = {};
  begin(PlanStage::kRebase);
  const std::vector<std::string> os_release =
      contents != nullptr ? OsReleases(*contents) : std::vector<std::string>();
  BasesReport bases = FindBases(fleet, model, today,
                                {.lineages = {.rules = options.lineages,
                                              .past_refs = options.past_refs,
                                              .os_release = os_release},
                                 .pins = options.squash.pins,
                                 .contents = contents,
                                 .allow_older = options.allow_older,
                                 .gap_tolerance = options.squash.gap_tolerance,
                                 .should_stop = options.should_stop});
  std::vector<Recommendation> moves = RecommendMoves(bases);
  begin(PlanStage::kComparisons);
  std::optional<MergedSizes> sizes;
  if (contents != nullptr) sizes.emplace(fleet, *contents);
  const std::vector<std::uint8_t> windows = FindWindowsImages(fleet, contents);
  const auto audit = [&](const Layout& layout) {
    return AuditLayout(fleet, model, today.cells, KeepLayers(fleet, layout, windows), {},
                       sizes ? &*sizes : nullptr);
  };
  const LayoutCost flattened = audit(FlattenedLayout(fleet));
  const LayoutCost kept_base = audit(KeptBaseLayout(fleet, today.trie));
  // The last of all: where it is told to stop, nothing but its results is left to make.
  std::optional<ContentPlan> from_contents;
  if (contents != nullptr && (options.wants_new_bases || options.wants_carve)) {
    from_contents = PlanContents(fleet, model, today, options, *contents);
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
          .flattened = flattened,
          .kept_base = kept_base,
          .bases = std::move(bases),
          .moves = std::move(moves),
          .from_contents = std::move(from_contents),
          .new_bases = std::move(new_bases),
          .carved = std::move(carved)};
}

}  // namespace gneiss
