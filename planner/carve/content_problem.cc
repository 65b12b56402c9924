#include "planner/carve/content_problem.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "planner/carve/generated_audit.h"
#include "solver/chains/chain_partition.h"

namespace gneiss {
namespace {

// The largest cost, `most` or less, that is within the gap of the bound; the bound where none is.
Bytes LargestWithin(double gap, Bytes lower_bound, Bytes most) {
  if (RelativeGap(most, lower_bound) <= gap) return most;
  // Doubles may round it past the gap, by bytes.
  auto cost = static_cast<Bytes>(static_cast<double>(lower_bound) / (1 - gap));
  while (cost > lower_bound && RelativeGap(cost, lower_bound) > gap) --cost;
  return std::clamp(cost, lower_bound, most);
}

// Without directories, which carving leaves out.
GeneratedLayout FilesAlone(const AtomTable& files, std::span<const CarvedLayer> layers) {
  GeneratedLayout layout;
  layout.layers.reserve(layers.size());
  for (const CarvedLayer& layer : layers) {
    GeneratedLayer made{.images = layer.images};
    for (const AtomIndex a : layer.atoms)
      made.file_bytes = CheckedAdd(made.file_bytes, files.bytes[a]);
    layout.layers.push_back(std::move(made));
  }
  return layout;
}

}  // namespace

ContentProblem::ContentProblem(const Fleet& fleet, const CostModel& model, const Today& today,
                               const LayerContents& contents, const ContentProblemOptions& options)
    : fleet_(fleet),
      model_(model),
      today_(today),
      contents_(contents),
      ignore_mtime_(options.ignore_mtime),
      gap_tolerance_(options.gap_tolerance),
      atoms_(FindContentAtoms(fleet, contents,
                              {.ignore_mtime = options.ignore_mtime, .left_out = options.pinned})),
      rates_(fleet, model, today.cells) {
  kept_ = CostOfGeneratedLayout(fleet, model, today.cells, atoms_, {});
  std::vector<CarvedLayer> apart(files().size());
  std::vector<std::uint8_t> has_files(fleet.images.size(), 0);
  for (AtomIndex a = 0; a < files().size(); ++a) {
    const auto images = files().signature(a);
    apart[a] = {.images = {images.begin(), images.end()}, .atoms = {a}};
    for (const ImageIndex i : images) has_files[i] = 1;
  }
  floor_ = CostOfCarved(apart);
  floor_.layer_references = kept_.layer_references;
  floor_.max_layers = std::max<std::int64_t>(kept_.max_layers, 1);
  floor_.overhead_bytes = kept_.overhead_bytes;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    if (has_files[i] == 0) continue;
    ++floor_.layer_references;
    floor_.overhead_bytes = CheckedAdd(
        floor_.overhead_bytes, CheckedMultiply(model.options().layer_cost, fleet.images[i].pulls));
  }
  if (!fleet.images.empty()) {
    floor_.layers_per_image =
        static_cast<double>(floor_.layer_references) / static_cast<double>(fleet.images.size());
  }
  SetRates rates(rates_.model());
  floor_.cost = CheckedAdd(CheckedAdd(FileLevelBound(files(), rates), kept_.cost),
                           floor_.overhead_bytes - kept_.overhead_bytes);
}

LayoutCost ContentProblem::CostOfBlob(Bytes size, std::span<const ImageIndex> images) const {
  const BlobUse use = CountUse(fleet_, today_.cells, images);
  const double fetches = model_.Fetches(use.pulls, use.pool_nodes);
  LayoutCost cost;
  cost.storage_bytes = CheckedMultiply(size, use.cells);
  cost.transfer_bytes = std::llround(static_cast<double>(size) * fetches);
  cost.overhead_bytes = CheckedMultiply(model_.options().layer_cost, use.pulls);
  cost.cost = CheckedAdd(model_.BlobCost(size, use.cells, fetches), cost.overhead_bytes);
  return cost;
}

LayoutCost ContentProblem::CostOfCarved(std::span<const CarvedLayer> layers) const {
  return CostOfGeneratedLayout(fleet_, model_, today_.cells, atoms_, FilesAlone(files(), layers));
}

std::int64_t ContentProblem::EnoughCost(std::span<const CarvedLayer> layers,
                                        std::uint32_t max_layers, std::int64_t lower_bound,
                                        std::int64_t cost) const {
  const Bytes planned =
      CostOfGeneratedLayout(fleet_, model_, today_.cells, atoms_,
                            MakeGeneratedLayout(atoms_, contents_, layers, max_layers))
          .cost;
  return cost - planned +
         LargestWithin(gap_tolerance_, CheckedAdd(lower_bound, kept_.cost), planned);
}

GeneratedPlan ContentProblem::Finish(std::span<const CarvedLayer> layers, std::uint32_t max_layers,
                                     std::int64_t lower_bound, bool was_stopped) const {
  GeneratedPlan plan;
  plan.layout = MakeGeneratedLayout(atoms_, contents_, layers, max_layers);
  AuditGeneratedLayout(fleet_, contents_, atoms_, plan.layout, max_layers, ignore_mtime_);
  plan.current = today_.cost;
  plan.planned = CostOfGeneratedLayout(fleet_, model_, today_.cells, atoms_, plan.layout);
  plan.lower_bound = CheckedAdd(lower_bound, kept_.cost);
  if (plan.gap() <= kOptimalityTolerance) {
    plan.status = PlanStatus::kOptimal;
  } else if (plan.gap() <= gap_tolerance_) {
    plan.status = PlanStatus::kGapReached;
  } else {
    plan.status = was_stopped ? PlanStatus::kTimeLimit : PlanStatus::kIterationLimit;
  }
  return plan;
}

}  // namespace gneiss
