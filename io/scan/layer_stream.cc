#include "io/scan/layer_stream.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace gneiss {
namespace {

// Multiples of 512, so that no header is cut. Large enough that the decoders, which carry a
// window of 32 KiB from call to call, and the hash work on long runs; small enough for the cache.
constexpr std::size_t kBlockBytes = std::size_t{256} << 10;

}  // namespace

LayerStream::LayerStream(StoredBytes& stored, const ScanLimits& limits, InflateLibrary inflate)
    : stored_(stored),
      limits_(limits),
      codec_(DetectCodec(stored.Peek(4))),
      decoder_(MakeDecoder(codec_, stored, shares_,
                           {.inflate = inflate, .max_zstd_window = limits.max_zstd_window})),
      sampler_(codec_),
      block_(kBlockBytes) {}

std::span<char> LayerStream::Next() {
  shares_.StartBlock();
  std::size_t filled = 0;
  while (filled < block_.size()) {
    const std::size_t count = decoder_->Decode(std::span(block_).subspan(filled));
    if (count == 0) {
      if (!std::exchange(ended_, true)) shares_.Finish(tar_size_, stored_.position());
      break;
    }
    filled += count;
    tar_size_ += static_cast<Bytes>(count);
  }
  CheckLimits();
  sampler_.Look({block_.data(), filled}, tar_size_ - static_cast<Bytes>(filled), shares_);
  // A plain tar is hashed as it is read.
  if (codec_ != LayerCodec::kTar) hash_.Update({block_.data(), filled});
  return std::span(block_).first(filled);
}

void LayerStream::CountHoles(Bytes count) {
  // Never past what the sum with the tar can hold: no limit is that high.
  constexpr Bytes kMost = Bytes{1} << 62;
  holes_ = std::min(kMost, holes_ + std::min(count, kMost));
  CheckLimits();
}

Digest LayerStream::Finish(const Digest& blob) {
  return codec_ == LayerCodec::kTar ? blob : hash_.Finish();
}

void LayerStream::CheckLimits() const {
  const std::string broken = FindBrokenSize(unpacked_bytes(), stored_.expected_size(), limits_);
  if (!broken.empty()) {
    throw InputError("", "tar byte " + std::to_string(tar_size_), broken);
  }
}

}  // namespace gneiss
