#include "planner/questions/free_space.h"

#include <algorithm>
#include <utility>

#include <boost/range/iterator_range.hpp>

#include "planner/cost/audit.h"

namespace gneiss {
namespace {

// What a search may do, in nodes times the size of the problem: some ten seconds.
constexpr std::int64_t kSearchWork = 60'000'000;
constexpr std::int64_t kMinNodes = 100;
constexpr std::int64_t kMaxNodes = 100'000;

std::int64_t AffordableNodes(const DeletionProblem& problem) {
  const auto size =
      static_cast<std::int64_t>(problem.num_items()) + std::ssize(problem.holders) + 1;
  return std::clamp(kSearchWork / size, kMinNodes, kMaxNodes);
}

DeletionProblem ProblemOf(const Fleet& fleet, const SharingGraph& sharing,
                          std::span<const std::uint8_t> kept, DeletionLoss loss) {
  DeletionProblem problem;
  std::vector<std::uint32_t> item(fleet.images.size(), kNone);
  std::int64_t total_loss = 0;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    if (kept[i] != 0) continue;
    const std::int64_t of_image = loss == DeletionLoss::kImages ? 1 : fleet.images[i].pulls;
    total_loss = CheckedAdd(total_loss, of_image);
    item[i] = problem.AddItem(i, of_image);
  }
  Bytes total = 0;
  std::vector<std::uint32_t> holders;
  for (std::uint32_t b = 0; b < sharing.blobs.size(); ++b) {
    holders.clear();
    bool stays = false;
    for (const auto edge :
         boost::make_iterator_range(boost::in_edges(sharing.vertex_of_blob(b), sharing.graph))) {
      holders.push_back(item[boost::source(edge, sharing.graph)]);
      stays |= holders.back() == kNone;
    }
    if (stays || holders.empty()) continue;
    std::ranges::sort(holders);
    total = CheckedAdd(total, sharing.blobs[b].size);
    problem.AddBlob(b, sharing.blobs[b].size, holders);
  }
  return problem;
}

}  // namespace

FreeSpace PlanFreeSpace(const Fleet& fleet, const ImageGroups& cells, const SharingGraph& sharing,
                        std::span<const std::uint8_t> kept, FreeSpaceRequest request) {
  FreeSpace plan{.request = std::move(request), .goes = RefSelection(fleet)};
  const DeletionProblem problem = ProblemOf(fleet, sharing, kept, plan.request.loss);
  plan.num_kept = std::ranges::count(kept, std::uint8_t{1});
  plan.most_loss = problem.total_loss();
  plan.most_freed = problem.total_freed();
  if (plan.request.wants_frontier) plan.frontier = DeletionFrontier(problem);
  if (plan.request.wanted) {
    if (plan.request.max_nodes == 0) plan.request.max_nodes = AffordableNodes(problem);
    plan.choice = ChooseDeletions(
        problem, *plan.request.wanted,
        {.max_nodes = plan.request.max_nodes, .should_stop = plan.request.should_stop});
    for (const ImageIndex i : plan.choice->ids) plan.goes.images[i] = 1;
  }
  plan.deletion = CountDeletion(fleet, cells, sharing, plan.goes);
  if (plan.choice) {
    RequireEqual("the bytes that deleting images frees", plan.choice->freed, plan.deletion.freed());
  }
  return plan;
}

}  // namespace gneiss
