// The squash level of a plan (design.md 5.1): for every chain, where consecutive layers become one,
// so that the fleet costs the least. Sets the problem up for solver/chain_partition, and audits its
// answer. Where the contents of layers are known, joined layers weigh what is left of them
// (merged_size.h); else their sum.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/contents/overlay.h"
#include "planner/cost/audit.h"
#include "planner/cost/cost_model.h"
#include "planner/cost/layout.h"
#include "planner/cost/today.h"
#include "planner/fleet/fleet.h"
#include "solver/chains/chain_partition.h"

namespace gneiss {

// Most layers an image may have and still run: containerd's limit.
inline constexpr std::uint32_t kContainerdMaxLayers = 127;

struct SquashOptions {
  std::uint32_t max_layers = kContainerdMaxLayers;  // per image, >= 1
  // Shell patterns over refs (fnmatch): images that are never rewritten and whose blobs stay.
  std::vector<std::string> pins;
  double gap_tolerance = 0;
};

struct SquashPlan {
  SquashOptions options;  // as given
  Layout layout;
  BlobTable blobs;  // of `layout`
  LayoutCost current;
  LayoutCost planned;
  // In the unit of cost, of boundaries on the trie: images are cut alike as far as their chains are
  // alike. To cut them differently can cost less, and is not bounded.
  Bytes lower_bound = 0;
  PlanStatus status = PlanStatus::kOptimal;
  std::uint32_t num_shared_groups = 0;   // segments with one price at several places
  std::int64_t num_pinned = 0;           // images
  std::int64_t num_over_limit = 0;       // pinned images that have more than max_layers
  std::int64_t num_windows = 0;          // images that keep their layers as Windows images do
  std::int64_t num_unwritable = 0;       // images that keep theirs, as no new layer can say all
  std::int64_t num_too_many_layers = 0;  // images that keep theirs, as they cannot meet max_layers
  std::int64_t num_standalone_layers =
      0;                              // layers that cannot be rewritten: foreign, encrypted, no tar
  std::int64_t num_known_layers = 0;  // whose contents were used
  // Images with a layer whose contents are not known: runs with it weigh the sum of its layers.
  std::int64_t num_images_from_manifests = 0;
  // Of the known contents: where runtimes do not agree about what layers come to.
  OverlayWarnings merge_warnings;

  double gap() const { return RelativeGap(planned.cost, lower_bound); }
};

// Throws InputError when a pin matches nothing, or costs are too large to add up; AuditError when
// claim and recount differ. `contents` may be null: plans from manifests alone. REQUIRES:
// `today` is made with `model`, `contents` has the fleet's layers.
[[nodiscard]] SquashPlan PlanSquash(const Fleet& fleet, const CostModel& model, const Today& today,
                                    const SquashOptions& options,
                                    const LayerContents* contents = nullptr);

}  // namespace gneiss
