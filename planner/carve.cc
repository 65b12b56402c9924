#include "planner/carve.h"

#include "planner/generated_audit.h"
#include "planner/rate_model.h"

namespace gneiss {
namespace {

PlanStatus StatusOfCarving(CarvingStatus status) {
  switch (status) {
    case CarvingStatus::kOptimal:
      return PlanStatus::kOptimal;
    case CarvingStatus::kStopped:
      return PlanStatus::kTimeLimit;
    default:
      return PlanStatus::kIterationLimit;
  }
}

}  // namespace

CarvePlan PlanCarve(const Fleet& fleet, const CostModel& model, const Today& today,
                    const LayerContents& contents, const ContentAtoms& atoms,
                    const CarvePlanOptions& options) {
  const FleetRates rates(fleet, model, today.cells);
  const AtomTable& files = atoms.files.atoms;
  CarveOptions carve;
  carve.max_layers = options.max_layers;
  carve.should_stop = options.should_stop;
  const LayerCarving carving = CarveLayers(files, rates.model(), carve);
  RequireEqual("the cost of carved layers", carving.cost,
               CostOfLayers(files, rates.model(), carving.layers));

  CarvePlan plan;
  plan.num_known = atoms.num_known;
  plan.current = today.cost;
  plan.layout = MakeGeneratedLayout(atoms, contents, carving.layers, options.max_layers);
  AuditGeneratedLayout(fleet, contents, atoms, plan.layout, options.max_layers,
                       options.ignore_mtime);
  plan.planned = CostOfGeneratedLayout(fleet, model, today.cells, atoms, plan.layout);
  // Images whose contents are not known cost what they do, however the others are carved.
  const LayoutCost kept = CostOfGeneratedLayout(fleet, model, today.cells, atoms, {});
  plan.lower_bound = CheckedAdd(carving.lower_bound, kept.cost);
  plan.file_level_bytes = kept.storage_bytes;
  for (AtomIndex a = 0; a < files.size(); ++a) {
    const BlobUse use = CountUse(fleet, today.cells, files.signature(a));
    plan.file_level_bytes =
        CheckedAdd(plan.file_level_bytes, CheckedMultiply(files.bytes[a], use.cells));
  }
  plan.status = StatusOfCarving(carving.status);
  return plan;
}

}  // namespace gneiss
