// What the levels that make layers of contents have in common: bases from contents (new_bases.h)
// and carving (carve.h). They choose layers from one set of atoms; what they chose is finished,
// audited and counted in one place.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "planner/carve/generated_layout.h"
#include "planner/contents/content_atoms.h"
#include "planner/contents/layer_contents.h"
#include "planner/cost/audit.h"
#include "planner/cost/cost_model.h"
#include "planner/cost/today.h"
#include "planner/fleet/fleet.h"
#include "solver/carving/layer_carving.h"

namespace gneiss {

struct GeneratedPlan {
  GeneratedLayout layout;
  LayoutCost current;
  LayoutCost planned;     // images that are left out keep their layers
  Bytes lower_bound = 0;  // in the unit of cost; of which layouts, the level says
  PlanStatus status = PlanStatus::kOptimal;

  double gap() const { return RelativeGap(planned.cost, lower_bound); }
};

struct ContentProblemOptions {
  bool ignore_mtime = false;  // entries that differ in their time only are one
  // Per image, 1: not to be rewritten. It keeps its layers, and shares none of the new ones. May be
  // empty.
  std::span<const std::uint8_t> pinned;
  double gap_tolerance = 0;  // searches stop at a gap of this or less
};

// A fleet's contents as the solvers take them, and what stays as it is beside them.
class ContentProblem {
 public:
  // Keeps references to the first four. Throws InputError when costs leave int64. REQUIRES: `today`
  // is made with `model`, `contents` has the fleet's layers.
  ContentProblem(const Fleet& fleet, const CostModel& model, const Today& today,
                 const LayerContents& contents, const ContentProblemOptions& options = {});

  const ContentAtoms& atoms() const { return atoms_; }
  const LayerContents& contents() const { return contents_; }
  const AtomTable& files() const { return atoms_.files.atoms; }
  const RateModel& rates() const { return rates_.model(); }
  // Leaves none behind.
  ContentAtoms TakeAtoms() && { return std::move(atoms_); }
  // Images that get new layers.
  std::int64_t num_images() const { return atoms_.num_known; }
  // What the others cost, whatever is done with these.
  const LayoutCost& kept() const { return kept_; }
  // As if every file were stored once and fetched by itself, one layer an image, no directories: no
  // layout of these images that loses nothing costs less.
  const LayoutCost& floor() const { return floor_; }
  // Of one blob that these images hold: cost, stored and fetched bytes.
  [[nodiscard]] LayoutCost CostOfBlob(Bytes size, std::span<const ImageIndex> images) const;
  // What layers cost, directories apart, beside what is kept.
  [[nodiscard]] LayoutCost CostOfCarved(std::span<const CarvedLayer> layers) const;

  // Whether searches may end before they have done all that they would.
  bool has_gap_tolerance() const { return gap_tolerance_ > 0; }
  // What layers may cost in a search, directories and what is kept apart, for their plan to be
  // within the tolerance of the bound; as far as these tell, which cost `cost` there. Arguments as
  // of Finish. Time as MakeGeneratedLayout.
  [[nodiscard]] std::int64_t EnoughCost(std::span<const CarvedLayer> layers,
                                        std::uint32_t max_layers, std::int64_t lower_bound,
                                        std::int64_t cost) const;

  // Gives the layers their directories, audits that every image shows what it does, and counts.
  // `lower_bound` is of all layers but the kept ones. Throws AuditError, InputError. REQUIRES: as
  // MakeGeneratedLayout.
  [[nodiscard]] GeneratedPlan Finish(std::span<const CarvedLayer> layers, std::uint32_t max_layers,
                                     std::int64_t lower_bound, bool was_stopped) const;

 private:
  const Fleet& fleet_;
  const CostModel& model_;
  const Today& today_;
  const LayerContents& contents_;
  bool ignore_mtime_;
  double gap_tolerance_;
  ContentAtoms atoms_;
  FleetRates rates_;
  LayoutCost kept_;
  LayoutCost floor_;
};

}  // namespace gneiss
