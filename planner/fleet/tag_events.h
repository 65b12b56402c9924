// What happened to tags over time: moves from one manifest to another, removals, and pulls. Not the
// images themselves: manifests are named, and found in a fleet by tag_history.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/fleet/digest.h"
#include "planner/fleet/text_pool.h"

namespace gneiss {

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

}  // namespace gneiss
