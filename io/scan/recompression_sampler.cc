#include "io/scan/recompression_sampler.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <new>

#include <zlib.h>
#include <zstd.h>

#include "io/bytes/compressor.h"

namespace gneiss {
namespace {

constexpr std::int64_t kBlocksApartOfGzip = 32;
constexpr std::int64_t kBlocksApart = 16;
constexpr std::int64_t kBlocksBefore = 4;  // of zstd's window, at its standard level 2 MiB
constexpr std::ptrdiff_t kWindowBytes = std::ptrdiff_t{32} << 10;  // of deflate
constexpr Bytes kEnough = Bytes{48} << 10;                         // of the tar

struct Window {
  std::size_t begin = 0;  // in the block
  std::size_t size = 0;   // 0: there is none
  Bytes stored = 0;
};

// From the first mark in the block to the next that is far enough from it, or the last.
Window FindWindow(Bytes tar, Bytes end, std::span<const StoredShares::Mark> marks) {
  const auto first = std::ranges::lower_bound(marks, tar, {}, &StoredShares::Mark::tar);
  if (first == marks.end()) return {};
  auto last = std::ranges::lower_bound(first, marks.end(), first->tar + kEnough, {},
                                       &StoredShares::Mark::tar);
  if (last == marks.end()) --last;
  if (last->tar <= first->tar || last->tar > end) return {};
  return {.begin = static_cast<std::size_t>(first->tar - tar),
          .size = static_cast<std::size_t>(last->tar - first->tar),
          .stored = last->stored - first->stored};
}

// Of a plain tar every byte is a mark; which ones are set depends on how it was read.
Window FindPlainWindow(Bytes tar, Bytes end) {
  const Bytes last = std::min(end, tar + 2 * kEnough);
  const std::array<StoredShares::Mark, 2> marks = {{{tar, tar}, {last, last}}};
  return FindWindow(tar, end, marks);
}

}  // namespace

// Made once: a compressor's tables take as long to set up as a window to compress.
class RecompressionSampler::Compressors {
 public:
  Compressors() : zstd_(ZSTD_createCCtx()) {
    if (zstd_ == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(zstd_, ZSTD_c_compressionLevel, LevelsOf(LayerCodec::kZstd).standard);
    if (deflateInit2(&deflate_, LevelsOf(LayerCodec::kGzip).standard, Z_DEFLATED, -MAX_WBITS,
                     kDeflateMemory, Z_DEFAULT_STRATEGY) != Z_OK) {
      ZSTD_freeCCtx(zstd_);
      throw std::bad_alloc();
    }
  }
  Compressors(const Compressors&) = delete;
  Compressors& operator=(const Compressors&) = delete;
  ~Compressors() {
    deflateEnd(&deflate_);
    ZSTD_freeCCtx(zstd_);
  }

  // What `bytes` become after `before`.
  Bytes Gzip(std::span<const char> before, std::span<const char> bytes) {
    deflateReset(&deflate_);
    if (!before.empty()) {
      deflateSetDictionary(&deflate_, Unsigned(before.data()), static_cast<uInt>(before.size()));
    }
    output_.resize(deflateBound(&deflate_, static_cast<uLong>(bytes.size())));
    deflate_.next_in = Unsigned(bytes.data());
    deflate_.avail_in = static_cast<uInt>(bytes.size());
    deflate_.next_out = Unsigned(output_.data());
    deflate_.avail_out = static_cast<uInt>(output_.size());
    deflate(&deflate_, Z_FINISH);
    return static_cast<Bytes>(deflate_.total_out);
  }

  Bytes Zstd(std::span<const char> before, std::span<const char> bytes) {
    ZSTD_CCtx_refPrefix(zstd_, before.data(), before.size());
    output_.resize(ZSTD_compressBound(bytes.size()));
    const std::size_t size =
        ZSTD_compress2(zstd_, output_.data(), output_.size(), bytes.data(), bytes.size());
    // Only memory can run out.
    if (ZSTD_isError(size) != 0) throw std::bad_alloc();
    return static_cast<Bytes>(size);
  }

 private:
  // zlib reads only.
  static Bytef* Unsigned(const char* bytes) {
    return reinterpret_cast<Bytef*>(const_cast<char*>(bytes));
  }

  z_stream deflate_{};
  ZSTD_CCtx* zstd_;
  std::vector<char> output_;
};

RecompressionSampler::RecompressionSampler(LayerCodec codec) : codec_(codec) {}
RecompressionSampler::~RecompressionSampler() = default;

void RecompressionSampler::Look(std::span<const char> block, Bytes tar,
                                const StoredShares& shares) {
  const std::int64_t apart = codec_ == LayerCodec::kGzip ? kBlocksApartOfGzip : kBlocksApart;
  const std::int64_t number = num_blocks_++;
  const std::int64_t to_next = (apart - number % apart) % apart;
  if (to_next > kBlocksBefore) return;
  if (to_next > 0) {
    if (to_next == kBlocksBefore) before_.clear();
    before_.insert(before_.end(), block.begin(), block.end());
    return;
  }
  const Bytes end = tar + std::ssize(block);
  const Window window =
      codec_ == LayerCodec::kTar ? FindPlainWindow(tar, end) : FindWindow(tar, end, shares.marks());
  if (window.size == 0 || window.stored <= 0) return;
  // What hardly compresses weighs the same with any compressor; the rest is what a sample is for.
  const bool is_dense = 5 * window.stored > 4 * static_cast<Bytes>(window.size);
  if (is_dense && codec_ != LayerCodec::kTar) return;
  const auto first = block.begin();
  before_.insert(before_.end(), first, first + static_cast<std::ptrdiff_t>(window.begin));
  const std::span<const char> before(before_);
  const std::span<const char> bytes = block.subspan(window.begin, window.size);
  sampled_.stored += window.stored;
  if (compressors_ == nullptr) compressors_ = std::make_unique<Compressors>();
  sampled_.gzip +=
      compressors_->Gzip(before.last(std::min<std::size_t>(before.size(), kWindowBytes)), bytes);
  sampled_.zstd += compressors_->Zstd(before, bytes);
}

}  // namespace gneiss
