// SOURCE on the command line: where a fleet is read from (design.md 6), and what reading it met.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet_builder.h"
#include "planner/fleet/platform.h"

namespace gneiss {

class LayoutFiles;

struct ReadOptions {
  PlatformFilter platform;
  bool strict = false;  // throw at the first bad image instead of listing it
  // Called now and then with the bytes read so far, as stored (compressed), and their total (0 when
  // not known); may be empty.
  std::function<void(std::int64_t bytes_read, std::int64_t bytes_total)> on_progress;
};

// Something odd that is met again and again.
struct ReadWarning {
  std::int64_t count = 0;
  std::string first;  // where it was met first: "FILE:LINE", "DIR: digest"
};

// What reading met beside images. One bad image never hides the good ones: it is kept here.
struct ReadReport {
  static constexpr std::size_t kMaxKept = 100;

  std::vector<InputError> problems;  // the first kMaxKept
  std::int64_t num_problems = 0;     // all of them
  std::map<std::string, std::int64_t>
      skipped;  // what is rightly passed over, by kind, e.g. "attestation manifest"
  std::map<std::string, ReadWarning> warnings;  // odd but usable, by kind
  std::int64_t num_lines = 0;     // images offered: lines of fleet files, image manifests
  std::int64_t filtered_out = 0;  // good images that the platform filter left out
  std::int64_t missing_layer_blobs =
      0;  // layout lacks them; planning from manifests does not need them
  std::vector<std::shared_ptr<const LayoutFiles>> layouts;  // that were read, for their blobs
  std::int64_t num_selections = 0;  // sources that name one image: by a REF, or by holding no other

  void AddWarning(std::string_view kind, std::string_view place, std::int64_t count = 1);
  // Keeps `error`, or throws it when `strict`.
  void AddProblem(InputError error, bool strict);
  // Adds what another report holds, its problems as AddProblem does; but layouts and selections.
  void Merge(const ReadReport& part, bool strict);
  // Runs `read`, which reads one blob or entry named `source`, and adds what is wrong with it as a
  // problem: it costs one image.
  void Guard(const std::string& source, bool strict, const std::function<void()>& read);
};

// A source for a message: what may be a user and a password before a host is left out, "***@".
[[nodiscard]] std::string ShownSource(std::string_view source);

// Reads one SOURCE into `builder`: "fleet:FILE", "oci:DIR[:REF]", "oci-archive:FILE[:REF]",
// "docker-archive:FILE[:REF]", "dir:DIR", "registry-fs:DIR[:REF]", or a bare path, which is
// sniffed: a directory with an oci-layout file or an index.json is a layout, with manifest.json and
// version an image directory (dir:), with docker/registry/v2 or what that holds a registry's
// storage; a tar with a manifest.json is an archive of `docker save`, one with an index.json a
// layout; any other file is a fleet file. Throws InputError when the source as a whole cannot be
// used (missing, not readable, not of its kind, unknown transport), std::system_error when the
// operating system refuses a read. Live registries are read by registry_source.h.
void ReadSource(std::string_view source, const ReadOptions& options, FleetBuilder& builder,
                ReadReport& report);

}  // namespace gneiss
