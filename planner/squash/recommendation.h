// What a platform team can do, one line each, and what it saves. The unit in which a plan is read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/cost/cost_model.h"
#include "planner/cost/today.h"
#include "planner/fleet/fleet.h"
#include "planner/squash/squash.h"

namespace gneiss {

// Least effort first.
enum class Effort { kPushAgain, kRebuild, kChangeFrom, kChangeDockerfile, kGeneratedLayers };

enum class RecommendationKind { kJoin, kRebase, kNewBase, kCarve };

// A run of layers that becomes one, in the chain of the image whose build made it, and how many
// images use what lies around it today: why the boundaries are where they are.
struct JoinedRun {
  ImageIndex image = 0;      // the holder with the shortest chain
  std::uint32_t offset = 0;  // in its chain
  std::uint32_t length = 0;
  Bytes size = 0;
  Bytes hidden_bytes = 0;  // what its layers weigh more, apart
  // Where contents are known: what the entries weigh today that a layer of the run hides of one
  // below it, by how. Compressors and the ends of archives make the rest of the difference.
  Bytes deleted_bytes = 0;
  Bytes replaced_bytes = 0;
  Bytes repeated_bytes = 0;         // by the same contents: attributes or the time alone may differ
  std::int64_t num_images = 0;      // that get the joined layer
  std::int64_t users_below = 0;     // of the layer below the run, 0 when it starts the chain
  std::int64_t users_of_first = 0;  // of the run's own first layer
  std::int64_t users_of_last = 0;   // of its last layer
  std::int64_t users_above = 0;     // of the layer above the run in this chain, 0 when it ends it
};

struct Recommendation {
  std::string id;  // "S1", "B1", "N1", "C1": what it is of, and its rank
  RecommendationKind kind = RecommendationKind::kJoin;
  Effort effort = Effort::kChangeDockerfile;
  Bytes saves_cost = 0;           // in the model's unit; negative parts included
  Bytes saves_storage_bytes = 0;  // negative when the recommendation stores more
  Bytes saves_transfer_bytes = 0;
  std::int64_t saves_layers = 0;   // fewer layers, summed over the images
  std::vector<ImageIndex> images;  // sorted, not empty
  std::vector<JoinedRun> runs;     // kJoin: most images first, not empty
  std::size_t drift = 0;           // kRebase: index into BasesReport::drift
  std::size_t base = 0;            // kNewBase: index into NewBases::bases
};

// The joins of a squash plan as recommendations, largest saving first. Runs that the same
// Dockerfile steps make in several images of one repository are one recommendation. A layer that is
// no longer stored by itself is credited evenly to the runs that took it in, so over all
// recommendations every saving sums to the plan's difference to today, to the byte. REQUIRES:
// plan.blobs is there; `contents`, what the plan was made with, may be null. Time O(references),
// and with contents the entries of the layers of each run.
[[nodiscard]] std::vector<Recommendation> RecommendJoins(const Fleet& fleet, const CostModel& model,
                                                         const Today& today, const SquashPlan& plan,
                                                         const LayerContents* contents = nullptr);

}  // namespace gneiss
