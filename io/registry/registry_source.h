// Images of live registries as SOURCEs (design.md 6):
//
//   docker://[HOST[:PORT]/]REPO[:TAG|@DIGEST]    one image, :latest without a tag
//   registry://HOST[:PORT][/PREFIX]              all tags of all repositories, or of those at or
//                                                below PREFIX
//
// Reads manifests and configs, several at a time; layers are streamed when somebody scans them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/registry/registry_options.h"
#include "io/source/source.h"
#include "planner/fleet/fleet_builder.h"

namespace gneiss {

struct RegistryReadOptions {
  RegistryOptions client;
  std::int64_t jobs = 8;  // requests at once, at least 1
  // Shell patterns (fnmatch) over "REPO" and "REPO:TAG", without the host. A tag is read when there
  // is no `include` or one of them matches, and no `exclude` does.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  // Of each repository the tags whose images were created last; 0: all. Images that do not say when
  // are the oldest.
  std::int64_t newest_tags = 0;
  std::string cache;  // directory of a ManifestCache, empty for none
};

// Whether ReadRegistry reads it.
[[nodiscard]] bool IsRegistrySource(std::string_view source);

// Adds the images of `source` to `builder`, called as users would pull them: "HOST/REPO:TAG". What
// is the same under several tags is asked for once; what the cache has, never: then a tag costs one
// request. A repository or image that cannot be read goes to `report` as a problem, a tag that went
// away while we read as a warning. A registry without a catalogue, as most public ones are, gives
// the repository PREFIX alone, with a warning.
//
// Throws InputError when the source is no name, the registry cannot be read at all, or one image
// was asked for and is not there.
void ReadRegistry(std::string_view source, const RegistryReadOptions& options,
                  const ReadOptions& read_options, FleetBuilder& builder, ReadReport& report);

}  // namespace gneiss
