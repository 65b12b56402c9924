#include "planner/plan.h"

#include <optional>
#include <utility>

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
  BasesReport bases = FindBases(fleet, model, today, {.pins = options.squash.pins});
  std::vector<Recommendation> moves = RecommendMoves(bases);
  begin("comparisons");
  std::optional<MergedSizes> sizes;
  if (contents != nullptr) sizes.emplace(fleet, *contents);
  const auto audit = [&](const Layout& layout) {
    return AuditLayout(fleet, model, today.cells, layout, {}, sizes ? &*sizes : nullptr);
  };
  return {.model = model,
          .squash = std::move(squash),
          .joins = std::move(joins),
          .flattened = audit(FlattenedLayout(fleet)),
          .kept_base = audit(KeptBaseLayout(fleet, today.trie)),
          .bases = std::move(bases),
          .moves = std::move(moves)};
}

}  // namespace gneiss
