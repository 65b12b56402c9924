// What a registry stored, was sent and gave out over time, by what happened to its tags
// (tag_events.h), with the layers that images have or with those that a plan gives them.
//
// Model. The registry holds the layers of all images that a tag names at the moment, each once;
// what no tag names any more is collected at once. A push sends the layers that the registry does
// not hold. Nodes fetch, where events tell of pulls, by those: each pull is made by any node alike,
// and nodes keep what they have. Else every move of a tag is fetched by the nodes that run the tag,
// which are `images_per_node` of `num_nodes` over the number of tags; a node has what its other
// tags and the tag's last image brought. Both are expectations in closed form: nothing is drawn.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/cost/layout.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/tag_history.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {

struct ReplayOptions {
  std::vector<std::int64_t> ends;  // seconds since 1970, rising: ends of the periods, excluded
  double num_nodes = 100;
  double images_per_node = 10;
};

// From the end of the one before to its own. What is held is that at its end.
struct ReplayPeriod {
  std::int64_t end = 0;  // excluded
  std::int64_t moves = 0;
  std::int64_t removals = 0;
  std::int64_t pulls = 0;
  std::int64_t lost_pulls = 0;  // of those: of tags that name nothing
  std::int64_t tags = 0;        // a ref for one platform
  std::int64_t images = 0;      // that a tag names
  std::int64_t layers = 0;      // distinct
  Bytes logical = 0;            // of those images
  Bytes stored = 0;
  Bytes pushed = 0;
  Bytes fetched = 0;
};

// The image of each manifest that events name, kNone where the fleet has none; by digest, or by
// its number in `by_number`. A manifest of another platform than the event's is an image like any.
[[nodiscard]] std::vector<ImageIndex> ImagesOfManifests(
    const TagEvents& events, const Fleet& fleet,
    const SeededMap<std::int64_t, ImageIndex>& by_number);

// One period for each of `options.ends`. Moves to images that are kNone leave the tag naming
// nothing. Throws InputError when a sum leaves int64. REQUIRES: every event is before the last end;
// `layout` is of the fleet; num_nodes >= 1, images_per_node > 0.
// COST: O(events * layers of an image).
[[nodiscard]] std::vector<ReplayPeriod> ReplayTags(const TagEvents& events,
                                                   std::span<const ImageIndex> image_of,
                                                   const Fleet& fleet, const Layout& layout,
                                                   const ReplayOptions& options);

// The images that tags name once all events before `time` have happened, sorted.
[[nodiscard]] std::vector<ImageIndex> ImagesNamedAt(const TagEvents& events,
                                                    std::span<const ImageIndex> image_of,
                                                    std::int64_t time);

}  // namespace gneiss
