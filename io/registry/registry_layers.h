// The layers and configs of the images that were read from a registry, as the files of a layout:
// what scans or verifies them asks for "blobs/ALGORITHM/HEX".
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "io/registry/registry_client.h"
#include "io/source/layout_files.h"
#include "io/source/manifest.h"
#include "planner/fleet/bytes.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {

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

}  // namespace gneiss
