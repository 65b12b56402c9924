// Which images of a fleet a tag named before, by the moves of tags that are known: its past names.
// They make images versions of one base that no label and no present tag connects (lineages.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/fleet/fleet.h"
#include "planner/fleet/tag_events.h"

namespace gneiss {

struct PastRef {
  std::string ref;
  ImageIndex image = 0;

  friend auto operator<=>(const PastRef&, const PastRef&) = default;
};

struct TagHistory {
  std::vector<PastRef> past_refs;       // sorted, each once; not what an image is called today
  std::int64_t num_moves = 0;           // and removals
  std::int64_t num_refs = 0;            // different ones, of all events
  std::int64_t num_unknown_refs = 0;    // of those: neither today's nor the past's of an image
  std::vector<std::string> unknown;     // the first few of them by name
  std::int64_t num_manifests = 0;       // that events name
  std::int64_t num_gone_manifests = 0;  // of those: of no image of the fleet
  std::int64_t num_images = 0;          // that have a past ref
};

// A manifest is found by its digest. One that has a number only is the image which the fleet knows
// by the ref and platform that name it last; where refs disagree about it, it is of no image.
// COST: O((events + refs) log).
[[nodiscard]] TagHistory JoinTagEvents(const TagEvents& events, const Fleet& fleet);

}  // namespace gneiss
