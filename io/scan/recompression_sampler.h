// How much smaller or larger a layer's tar would be if it were compressed anew, as `apply` does it:
// windows of it are, in passing. Compressors differ by a tenth on the same bytes, and what a plan
// promises is written by ours.
//
// One block of the tar in 32 is looked at (in 16 where the layer is no gzip, whose bytes say more
// of what gzip makes): of it what lies between two marks, where the stored bytes are known, some 80
// KiB, with what comes before as a compressor remembers it there: 32 KiB for deflate, a megabyte
// for zstd. That takes about a tenth of a scan.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "io/bytes/stored_shares.h"
#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

class RecompressionSampler {
 public:
  explicit RecompressionSampler(LayerCodec codec);
  ~RecompressionSampler();

  // The next block of the tar, at `tar`, of full size but for the last, with the marks in it.
  // Throws std::bad_alloc.
  void Look(std::span<const char> block, Bytes tar, const StoredShares& shares);

  const Recompression& sampled() const { return sampled_; }

 private:
  class Compressors;

  LayerCodec codec_;
  std::int64_t num_blocks_ = 0;
  std::vector<char> before_;                  // what comes before the window
  std::unique_ptr<Compressors> compressors_;  // once there is something to compress
  Recompression sampled_;
};

}  // namespace gneiss
