#include "planner/plan.h"

#include <utility>

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

Plan MakePlan(const Fleet& fleet, const PlanOptions& options) {
  const auto begin = [&](std::string_view stage) {
    if (options.on_stage) options.on_stage(stage);
  };
  begin("today's layout");
  const CostModel model(fleet, options.cost);
  const Today today = MakeToday(fleet, model);
  begin("squash boundaries");
  SquashPlan squash = PlanSquash(fleet, model, today, options.squash);
  begin("recommendations");
  std::vector<Recommendation> joins = RecommendJoins(fleet, model, today, squash);
  squash.blobs = {};
  begin("bases and drift");
  BasesReport bases = FindBases(fleet, model, today);
  std::vector<Recommendation> moves = RecommendMoves(bases);
  begin("comparisons");
  return {.model = model,
          .squash = std::move(squash),
          .joins = std::move(joins),
          .flattened = AuditLayout(fleet, model, today.cells, FlattenedLayout(fleet)),
          .kept_base = AuditLayout(fleet, model, today.cells, KeptBaseLayout(fleet, today.trie)),
          .bases = std::move(bases),
          .moves = std::move(moves)};
}

}  // namespace gneiss
