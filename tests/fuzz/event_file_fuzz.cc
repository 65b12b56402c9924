// ReadEvents: times never fall, and what events name is there.
#include <cstdint>
#include <limits>
#include <string_view>

#include "io/bytes/byte_source.h"
#include "io/tables/event_file.h"
#include "tests/fuzz/fuzz_reader.h"

namespace gneiss {
namespace {

void ReadFuzzedEvents(std::string_view bytes) {
  const TagEvents events = ReadEvents(ReadMemory(bytes, 100), "e");
  Expect(!events.events.empty(), "no event");
  std::int64_t time = std::numeric_limits<std::int64_t>::min();
  for (const TagEvent& event : events.events) {
    Expect(time <= event.time, "a time that falls");
    time = event.time;
    Expect(!events.texts[event.ref].empty(), "an event of no ref");
    if (event.kind == TagEvent::Kind::kMove) {
      Expect(event.manifest < events.manifests.size(), "an event of no manifest");
    }
    Expect(event.pulls >= 0, "pulls below zero");
  }
}

const FuzzReader kEventReader("event_file", ReadFuzzedEvents);

}  // namespace
}  // namespace gneiss
