#include "io/apply/compressed_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <limits>
#include <new>
#include <system_error>
#include <vector>

#include <zlib.h>
#include <zstd.h>

#include "io/scan/compression_levels.h"

namespace gneiss {
namespace {

constexpr std::size_t kOutputBytes = std::size_t{1} << 20;

}  // namespace

// zlib or zstd, or neither.
class CompressedFile::Encoder {
 public:
  using Sink = std::function<void(std::string_view)>;

  explicit Encoder(const CompressionOptions& options)
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
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  ~Encoder() {
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

CompressedFile::CompressedFile(const std::string& path, const CompressionOptions& options)
    : path_(path),
      on_interrupt_(path),
      file_(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666)) {
  if (file_.get() < 0) throw std::system_error(errno, std::generic_category(), path_);
  try {
    encoder_ = std::make_unique<Encoder>(options);
  } catch (...) {
    unlink(path_.c_str());
    throw;
  }
}

CompressedFile::~CompressedFile() {
  if (!is_finished_) unlink(path_.c_str());
}

void CompressedFile::Write(std::string_view bytes) { Encode(bytes, /*is_end=*/false); }

void CompressedFile::Finish() {
  Encode({}, /*is_end=*/true);
  if (fsync(file_.get()) != 0) throw std::system_error(errno, std::generic_category(), path_);
  digest_ = hash_.Finish();
  is_finished_ = true;
}

void CompressedFile::Encode(std::string_view bytes, bool is_end) {
  encoder_->Encode(bytes, is_end, [this](std::string_view stored) { WriteStored(stored); });
}

void CompressedFile::WriteStored(std::string_view bytes) {
  hash_.Update(bytes);
  size_ += std::ssize(bytes);
  while (!bytes.empty()) {
    const ssize_t count = write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw std::system_error(errno, std::generic_category(), path_);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace gneiss
