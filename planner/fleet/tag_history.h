// Which images of a fleet a tag named before, by the moves of tags that are known: its past names.
// They make images versions of one base that no label and no present tag connects (lineages.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/text_pool.h"

namespace gneiss {

// What happened to tags over time: moves from one manifest to another, removals, and pulls. Not the
// images themselves: manifests are named, and found in a fleet by tag_history.h.

// A manifest that events speak of: by its digest, or by a number that means the same manifest in
// all of them.
struct EventManifest {
  std::optional<Digest> digest;
  std::int64_t number = -1;  // -1: it has a digest
  std::string name;          // as the events have it, "sha256:..." or "17"
};

struct TagEvent {
  enum class Kind {
    kMove,     // the ref names `manifest` from now on
    kRemoval,  // the ref names nothing
    kPull,     // the ref was pulled `pulls` times
  };
  Kind kind = Kind::kMove;
  std::int64_t time = 0;       // seconds since 1970
  std::int64_t line = 0;       // of the file, for messages
  std::int64_t pulls = 0;      // of kPull
  std::uint32_t manifest = 0;  // of kMove: into TagEvents::manifests
  TextIndex ref = 0;
  TextIndex platform = 0;  // empty: not given
};

struct TagEvents {
  std::vector<TagEvent> events;  // times never fall
  std::vector<EventManifest> manifests;
  TextPool texts;
};

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
