#include "planner/plan.h"

#include <utility>

#include "planner/layer_trie.h"

namespace gneiss {

Layout KeptBaseLayout(const Fleet& fleet) {
  const LayerTrie trie = BuildLayerTrie(fleet);
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
  begin("squash boundaries");
  const CostModel model(fleet, options.cost);
  const ImageGroups cells = ScopeCells(fleet, options.cost.scope);
  SquashPlan squash = PlanSquash(fleet, model, cells, options.squash);
  begin("recommendations");
  std::vector<Recommendation> joins = RecommendJoins(fleet, model, cells, squash.layout);
  begin("bases and drift");
  BasesReport bases = FindBases(fleet, model, cells);
  std::vector<Recommendation> moves = RecommendMoves(bases);
  begin("comparisons");
  return {.model = model,
          .squash = std::move(squash),
          .joins = std::move(joins),
          .flattened = AuditLayout(fleet, model, cells, FlattenedLayout(fleet)),
          .kept_base = AuditLayout(fleet, model, cells, KeptBaseLayout(fleet)),
          .bases = std::move(bases),
          .moves = std::move(moves)};
}

}  // namespace gneiss
