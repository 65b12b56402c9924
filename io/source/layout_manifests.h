// Manifests and configs out of the files of a layout, for ManifestReader. In one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "io/source/layout_blobs.h"
#include "io/source/layout_files.h"
#include "io/source/manifest_reader.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {

// A blob that is a plain file of another size or digest than its descriptor's is an error; layers
// that are not there are counted in missing_layer_blobs, each once.
class LayoutManifests : public ManifestBlobs {
 public:
  // `options.on_progress` must outlive this.
  LayoutManifests(std::shared_ptr<const LayoutFiles> files, const ReadOptions& options)
      : blobs_(std::move(files)), on_progress_(options.on_progress) {}

  std::string PathOf(BlobRole, const Descriptor& descriptor) const override {
    return blobs_.PathOf(descriptor);
  }
  std::optional<std::string> Read(BlobRole role, const Descriptor& descriptor,
                                  ReadReport& report) override;
  void LookForLayer(const Descriptor& layer, ReadReport& report) override;

  const LayoutBlobs& blobs() const { return blobs_; }

 private:
  LayoutBlobs blobs_;
  const std::function<void(std::int64_t, std::int64_t)>& on_progress_;
  std::int64_t bytes_read_ = 0;
  SeededSet<std::string> looked_for_;  // digests of layers
};

}  // namespace gneiss
