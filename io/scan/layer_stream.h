// The tar of a layer in blocks, hashed as it passes, with the stored bytes that each part of it
// costs. Bounded memory whatever the layer holds.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/bytes/decoder.h"
#include "io/bytes/inflater.h"
#include "io/bytes/sha256_stream.h"
#include "io/bytes/stored_bytes.h"
#include "io/bytes/stored_shares.h"
#include "io/scan/recompression_sampler.h"
#include "io/scan/scan_layer.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

class LayerStream {
 public:
  // The stream reads `stored`, which the caller keeps alive, from its start.
  LayerStream(StoredBytes& stored, const ScanLimits& limits, InflateLibrary inflate);

  // The next block of the tar, for the caller to read and to change, valid until the next call; a
  // multiple of 512 bytes except at the end; empty after that. Throws InputError as LayerDecoder
  // does, and when a limit on the tar's size is broken.
  std::span<char> Next();

  LayerCodec codec() const { return codec_; }
  const LayerDecoder& decoder() const { return *decoder_; }
  // Tar offset past the last block: its size once Next has returned nothing.
  Bytes tar_size() const { return tar_size_; }
  // Of the tar so far, and of the holes counted.
  Bytes unpacked_bytes() const { return CheckedAdd(tar_size_, holes_); }
  // Of what Next has returned.
  const Recompression& sampled() const { return sampler_.sampled(); }
  // Takes cuts that lie in the last block.
  StoredShares& shares() { return shares_; }
  // Counts bytes that are in no block but cost as much to read, the holes of sparse files, against
  // the limits. Throws InputError.
  void CountHoles(Bytes count);
  // sha256 of the tar. REQUIRES: Next has returned nothing, the stored bytes are drained; not
  // called before. `blob` is their hash.
  Digest Finish(const Digest& blob);

 private:
  // At the ends of blocks only, so that an error does not depend on how a library cuts its steps.
  void CheckLimits() const;

  StoredBytes& stored_;
  ScanLimits limits_;
  LayerCodec codec_;
  StoredShares shares_;
  std::unique_ptr<LayerDecoder> decoder_;
  RecompressionSampler sampler_;
  Sha256Stream hash_;
  std::vector<char> block_;
  Bytes tar_size_ = 0;
  Bytes holes_ = 0;
  bool ended_ = false;
};

}  // namespace gneiss
