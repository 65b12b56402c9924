#include "io/bytes/compressor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <iterator>
#include <limits>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

#include <zlib.h>
#include <zstd.h>

namespace gneiss {
namespace {

constexpr std::size_t kOutputBytes = std::size_t{1} << 20;

}  // namespace

class Compressor::Codec {
 public:
  explicit Codec(const CompressionOptions& options)
      : codec_(options.codec), output_(codec_ == LayerCodec::kTar ? 0 : kOutputBytes) {
    const int level = options.level.value_or(LevelsOf(codec_).standard);
    if (codec_ == LayerCodec::kGzip) {
      constexpr int kWindowBits = 15;
      constexpr int kGzip = 16;
      if (deflateInit2(&deflate_, level, Z_DEFLATED, kWindowBits + kGzip, kDeflateMemory,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::bad_alloc();
      }
      header_.os = 255;  // unknown
      deflateSetHeader(&deflate_, &header_);
    } else if (codec_ == LayerCodec::kZstd) {
      zstd_ = ZSTD_createCCtx();
      if (zstd_ == nullptr) throw std::bad_alloc();
      ZSTD_CCtx_setParameter(zstd_, ZSTD_c_compressionLevel, level);
      ZSTD_CCtx_setParameter(zstd_, ZSTD_c_checksumFlag, 1);
    }
  }
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  ~Codec() {
    if (codec_ == LayerCodec::kGzip) deflateEnd(&deflate_);
    ZSTD_freeCCtx(zstd_);
  }

  void Encode(std::string_view bytes, bool is_end, const Sink& sink) {
    switch (codec_) {
      case LayerCodec::kGzip:
        return EncodeGzip(bytes, is_end, sink);
      case LayerCodec::kZstd:
        return EncodeZstd(bytes, is_end, sink);
      case LayerCodec::kTar:
        return sink(bytes);
    }
  }

 private:
  void EncodeGzip(std::string_view bytes, bool is_end, const Sink& sink) {
    do {
      // zlib counts in 32 bits.
      const std::string_view part = bytes.substr(0, std::numeric_limits<uInt>::max() / 2);
      bytes.remove_prefix(part.size());
      // zlib does not write to its input.
      deflate_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
      deflate_.avail_in = static_cast<uInt>(part.size());
      do {
        deflate_.next_out = reinterpret_cast<Bytef*>(output_.data());
        deflate_.avail_out = static_cast<uInt>(output_.size());
        deflate(&deflate_, is_end && bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
        sink({output_.data(), output_.size() - deflate_.avail_out});
      } while (deflate_.avail_out == 0);
    } while (!bytes.empty());
  }

  void EncodeZstd(std::string_view bytes, bool is_end, const Sink& sink) {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer output{output_.data(), output_.size(), 0};
      const std::size_t left =
          ZSTD_compressStream2(zstd_, &output, &input, is_end ? ZSTD_e_end : ZSTD_e_continue);
      // Only memory can run out.
      if (ZSTD_isError(left) != 0) throw std::bad_alloc();
      sink({output_.data(), output.pos});
      if (is_end ? left == 0 : input.pos == input.size) return;
    }
  }

  LayerCodec codec_;
  std::vector<char> output_;
  z_stream deflate_{};
  gz_header header_{};
  ZSTD_CCtx* zstd_ = nullptr;
};

Compressor::Compressor(const CompressionOptions& options)
    : codec_(std::make_unique<Codec>(options)) {}
Compressor::~Compressor() = default;

void Compressor::Write(std::string_view bytes, const Sink& sink) {
  codec_->Encode(bytes, /*is_end=*/false, sink);
}

void Compressor::Finish(const Sink& sink) { codec_->Encode({}, /*is_end=*/true, sink); }

CompressedFile::CompressedFile(const OpenDirectory& directory, std::string name,
                               const CompressionOptions& options)
    : directory_(directory),
      name_(std::move(name)),
      compressor_(options),
      on_interrupt_(directory.descriptor(), name_),
      file_(openat(directory.descriptor(), name_.c_str(),
                   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0664)) {
  if (file_.get() < 0) Fail();
}

CompressedFile::~CompressedFile() {
  if (!is_finished_) unlinkat(directory_.descriptor(), name_.c_str(), 0);
}

void CompressedFile::Fail() const {
  throw std::system_error(errno, std::generic_category(), directory_.PathOf(name_));
}

void CompressedFile::Write(std::string_view bytes) {
  compressor_.Write(bytes, [this](std::string_view stored) { WriteStored(stored); });
}

void CompressedFile::Finish() {
  compressor_.Finish([this](std::string_view stored) { WriteStored(stored); });
  if (fsync(file_.get()) != 0) Fail();
  digest_ = hash_.Finish();
  is_finished_ = true;
}

void CompressedFile::WriteStored(std::string_view bytes) {
  hash_.Update(bytes);
  size_ += std::ssize(bytes);
  while (!bytes.empty()) {
    const ssize_t count = write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) Fail();
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace gneiss
