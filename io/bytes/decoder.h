// Decoders from the stored bytes of a layer to its tar, chosen by magic and never by name: gzip of
// any number of members, zstd of any number of frames, or no compression.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "io/bytes/inflater.h"
#include "io/bytes/stored_bytes.h"
#include "io/bytes/stored_shares.h"
#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

class LayerDecoder {
 public:
  LayerDecoder(StoredBytes& stored, StoredShares& shares) : stored_(stored), shares_(shares) {}
  virtual ~LayerDecoder() = default;

  // Fills `block` from its start and returns how many bytes it wrote; less than asked says
  // nothing, 0 says that the data have ended. REQUIRES: block not empty. Throws InputError with
  // place "byte N": where a truncated blob ends, where a damaged member or frame starts.
  virtual std::size_t Decode(std::span<char> block) = 0;

  // Complete once Decode has returned 0: stored bytes that follow the compressed data and are
  // not zero padding, and where they start.
  Bytes trailing_bytes() const { return trailing_bytes_; }
  Bytes trailing_begin() const { return trailing_begin_; }
  // Where in the stored bytes the gzip member of estargz's index starts, by the last member of the
  // blob, its footer; nullopt when that is none.
  virtual std::optional<Bytes> stargz_index_begin() const { return std::nullopt; }
  // The largest window that a frame of zstd asked for.
  Bytes largest_window() const { return largest_window_; }

 protected:
  // Passes over zero padding behind a member or frame. True when `is_magic` says that another
  // starts there; otherwise the rest is counted as trailing bytes.
  bool FindNext(bool (*is_magic)(std::string_view head));

  StoredBytes& stored_;
  StoredShares& shares_;
  Bytes total_ = 0;  // bytes decoded
  Bytes trailing_bytes_ = 0;
  Bytes trailing_begin_ = 0;
  Bytes largest_window_ = 0;
};

struct DecoderOptions {
  InflateLibrary inflate = InflateLibrary::kFastest;
  std::int64_t max_zstd_window = 0;
};

// By the first bytes. A decoder sets marks where the stored bytes themselves say so, and neither
// the library nor how they are read in pieces.
[[nodiscard]] LayerCodec DetectCodec(std::string_view head);
[[nodiscard]] std::unique_ptr<LayerDecoder> MakeDecoder(LayerCodec codec, StoredBytes& stored,
                                                        StoredShares& shares,
                                                        const DecoderOptions& options);

}  // namespace gneiss
