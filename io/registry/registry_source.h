// Images of live registries as SOURCEs (design.md 6):
//
//   docker://[HOST[:PORT]/]REPO[:TAG|@DIGEST]    one image, :latest without a tag
//   registry://HOST[:PORT][/PREFIX]              all tags of all repositories, or of those at or
//                                                below PREFIX
//
// Reads manifests and configs, several at a time; layers are streamed when somebody scans them.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/registry/registry_client.h"
#include "io/registry/registry_session.h"
#include "io/source/layout.h"
#include "io/source/manifest.h"
#include "io/source/source.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet_builder.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {

// The layers and configs of the images that were read from a registry, as the files of a layout:
// what scans or verifies them asks for "blobs/ALGORITHM/HEX".

class RegistryLayers : public LayoutFiles {
 public:
  explicit RegistryLayers(std::shared_ptr<RegistryClient> client);

  // From now on the registry has this blob, in `repository`. Layers that are stored elsewhere are
  // left out.
  void Add(const Descriptor& blob, const std::string& repository);

  const std::string& path() const override { return path_; }
  std::string repository() const override { return {}; }
  std::string directory() const override { return {}; }
  bool is_local() const override { return false; }
  std::string PathOf(std::string_view name) const override;
  // Asks nothing before the first Read.
  std::unique_ptr<ByteSource> Open(std::string_view name) const override;
  std::optional<Bytes> SizeOf(std::string_view name) const override;

 private:
  struct Place {
    std::string repository;
    std::string digest_text;
    Bytes size = 0;
  };

  std::optional<Place> Find(std::string_view name) const;

  std::shared_ptr<RegistryClient> client_;
  std::string path_;
  mutable std::mutex mutex_;
  SeededMap<std::string, Place> places_;  // by name
};

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
