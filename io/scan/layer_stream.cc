#include "io/scan/layer_stream.h"

#include <algorithm>
#include <string_view>

namespace gneiss {
namespace {

// Multiples of 512, so that no header is cut. Large enough that the decoders, which carry a
// window of 32 KiB from call to call, and the hash work on long runs; small enough for the cache.
constexpr std::size_t kBlockBytes = std::size_t{256} << 10;
// Less than this is no bomb, whatever its ratio: zstd makes 10,000 of one from zeros.
constexpr Bytes kFreeOfRatio = Bytes{16} << 20;
constexpr Bytes kMarkSpacing = 512;

}  // namespace

void StoredMarks::StartBlock(Bytes tar) {
  const auto after = std::ranges::upper_bound(marks_, tar, {}, &Mark::tar);
  if (after != marks_.begin()) marks_.erase(marks_.begin(), after - 1);
}

void StoredMarks::Add(Bytes tar, Bytes stored) {
  const Mark last = marks_.back();
  // A decoder that gives bytes back must not lead the marks back.
  const Mark mark{.tar = std::max(tar, last.tar), .stored = std::max(stored, last.stored)};
  if (marks_.size() > 1 && mark.tar - marks_[marks_.size() - 2].tar < kMarkSpacing) {
    marks_.back() = mark;
  } else {
    marks_.push_back(mark);
  }
}

Bytes StoredMarks::At(Bytes tar) const {
  // The last mark of several at one offset is past what lies between them: empty members there
  // belong to what was before.
  const auto after = std::ranges::upper_bound(marks_, tar, {}, &Mark::tar);
  if (after == marks_.begin()) return marks_.front().stored;
  const Mark& from = *(after - 1);
  if (after == marks_.end()) return from.stored;
  const Bytes stored = after->stored - from.stored;
  const Bytes span = after->tar - from.tar;
  const Bytes part = tar - from.tar;
  // stored * part / span without overflow: part < span, and span is small.
  return from.stored + stored / span * part + stored % span * part / span;
}

LayerStream::LayerStream(StoredBytes& stored, const ScanLimits& limits, InflateLibrary inflate)
    : stored_(stored),
      limits_(limits),
      codec_(DetectCodec(stored.Peek(4))),
      decoder_(MakeDecoder(codec_, stored,
                           {.inflate = inflate, .max_zstd_window = limits.max_zstd_window})),
      block_(kBlockBytes) {}

std::span<char> LayerStream::Next() {
  marks_.StartBlock(tar_size_);
  std::size_t filled = 0;
  while (filled < block_.size()) {
    const std::size_t count = decoder_->Decode(std::span(block_).subspan(filled));
    if (count == 0) break;
    filled += count;
    tar_size_ += static_cast<Bytes>(count);
    marks_.Add(tar_size_ + static_cast<Bytes>(decoder_->pending()), stored_.position());
  }
  CheckLimits();
  // A plain tar is hashed as it is read.
  if (codec_ != LayerCodec::kTar) hash_.Update({block_.data(), filled});
  return std::span(block_).first(filled);
}

void LayerStream::CountHoles(Bytes count) {
  holes_ = CheckedAdd(holes_, count);
  CheckLimits();
}

Digest LayerStream::Finish(const Digest& blob) {
  return codec_ == LayerCodec::kTar ? blob : hash_.Finish();
}

void LayerStream::CheckLimits() const {
  const Bytes total = CheckedAdd(tar_size_, holes_);
  const auto fail = [&](const std::string& limit) {
    throw InputError(
        "", "tar byte " + std::to_string(tar_size_),
        "expected a tar of at most " + limit + ", holes of files included, found more");
  };
  if (total > limits_.max_tar_bytes) {
    fail(std::to_string(limits_.max_tar_bytes) + " bytes (--max-tar-bytes)");
  }
  if (total > kFreeOfRatio &&
      total / std::max<Bytes>(limits_.max_ratio, 1) > stored_.expected_size()) {
    fail(std::to_string(limits_.max_ratio) + " times the layer's stored size (--max-ratio)");
  }
}

}  // namespace gneiss
