#include "io/tables/event_file.h"

#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

std::string TellEvents(std::string_view text) {
  const TagEvents events = ReadEvents(ReadMemory(text), "FILE");
  std::string told;
  for (const TagEvent& event : events.events) {
    told += std::to_string(event.line) + " " + std::to_string(event.time) + " " +
            std::string(events.texts[event.ref]) + "|" + std::string(events.texts[event.platform]);
    if (event.kind == TagEvent::Kind::kMove) {
      const EventManifest& manifest = events.manifests[event.manifest];
      told += " -> " + manifest.name.substr(0, 9) + (manifest.digest ? " by digest" : "");
    } else if (event.kind == TagEvent::Kind::kPull) {
      told += " pulled " + std::to_string(event.pulls);
    } else {
      told += " gone";
    }
    told += "\n";
  }
  return told;
}

std::string ErrorOfEvents(std::string_view text) {
  return MessageOf<InputError>([&] { (void)TellEvents(text); });
}

const std::string kManifest = FormatDigest(Sha256("a manifest"));

TEST_CASE("Events are moves, removals and pulls", "[io][event_file]") {
  const std::string lines =
      "{\"t\":5,\"ref\":\"a:1\",\"platform\":\"linux/arm64\",\"m\":0}\n"
      "{\"t\":5,\"ref\":\"a:2\",\"digest\":\"" +
      kManifest +
      "\",\"x\":1}\n\n"
      "{\"t\":\"1970-01-01T00:00:06Z\",\"ref\":\"a:1\",\"m\":null}\n"
      "{\"t\":7,\"ref\":\"a:2\",\"pulls\":12}\n";
  const std::string told =
      "1 5 a:1|linux/arm64 -> 0\n2 5 a:2| -> sha256:" + kManifest.substr(7, 2) +
      " by digest\n4 6 a:1| gone\n5 7 a:2| pulled 12\n";
  CHECK(TellEvents(lines) == told);
  CHECK(TellEvents(Gzip(lines)) == told);
}

TEST_CASE("Events come as CSV too", "[io][event_file]") {
  CHECK(TellEvents("5,a:1,0,linux/arm64\n1970-01-01T01:00:06+01:00,a:1,\n") ==
        "1 5 a:1|linux/arm64 -> 0\n2 6 a:1| gone\n");
  CHECK(TellEvents("1970-01-02,a:1,\n") == "1 86400 a:1| gone\n");
  CHECK(TellEvents("ref,manifest,time\na:1,3,5\n") == "2 5 a:1| -> 3\n");
}

TEST_CASE("A line that is no event is an error that names it", "[io][event_file]") {
  CHECK(ErrorOfEvents("") ==
        "FILE: expected lines \"time,ref,manifest,platform\" or JSON objects, found none");
  CHECK(ErrorOfEvents("{\"t\":5,\"ref\":\"a\",\"m\":0}\n{\"t\":4,\"ref\":\"a\",\"m\":1}\n") ==
        "FILE:2: expected a time of 5 or later, as in line 1, found 4; sort the events by time");
  CHECK(ErrorOfEvents("{\"ref\":\"a\",\"m\":0}\n") ==
        "FILE:1: t: expected a time, as seconds since 1970, 2018-01-29 or 2018-01-29T12:00:00Z, "
        "found no "
        "such key");
  CHECK(ErrorOfEvents("{\"t\":\"Monday\",\"ref\":\"a\",\"m\":0}\n") ==
        "FILE:1: expected a time, as seconds since 1970, 2018-01-29 or 2018-01-29T12:00:00Z, found "
        "\"Monday\"");
  CHECK(ErrorOfEvents("{\"t\":-1,\"ref\":\"a\",\"m\":0}\n").ends_with("found -1"));
  CHECK(ErrorOfEvents("{\"t\":1,\"m\":0}\n").starts_with("FILE:1: ref: expected a ref"));
  CHECK(ErrorOfEvents("{\"t\":1,\"ref\":\"\",\"m\":0}\n") ==
        "FILE:1: expected a ref, found an empty one");
  CHECK(ErrorOfEvents("{\"t\":1,\"ref\":\"a\"}\n")
            .starts_with("FILE:1: digest: expected a manifest's digest or number, or none"));
  CHECK(ErrorOfEvents("{\"t\":1,\"ref\":\"a\",\"m\":-2}\n").ends_with("found -2"));
  CHECK(ErrorOfEvents("{\"t\":1,\"ref\":\"a\",\"digest\":\"sha256:12\"}\n")
            .starts_with("FILE:1: digest: expected a digest, as sha256:"));
  CHECK(ErrorOfEvents("{\"t\":1,\"ref\":\"a\",\"m\":2,\"pulls\":5}\n") ==
        "FILE:1: pulls: expected a move or pulls, found both; write a line for each");
  CHECK(ErrorOfEvents("5,a:1,latest\n") ==
        "FILE:1: expected a manifest's digest or number, or none when the tag went away, found "
        "\"latest\"");
  CHECK(ErrorOfEvents("5,a:1\n") ==
        "FILE:1: expected \"time,ref,manifest,platform\", found 2 of these columns");
}

}  // namespace
}  // namespace gneiss
