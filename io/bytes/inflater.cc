#include "io/bytes/inflater.h"

#include <algorithm>
#include <new>

#ifdef GNEISS_HAVE_ISAL
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#endif
#include <zlib.h>

namespace gneiss {
namespace {

// Both libraries count in 32 bits.
constexpr std::size_t kMaxCount = std::size_t{1} << 30;

class ZlibInflater : public Inflater {
 public:
  ZlibInflater() {
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ZlibInflater(const ZlibInflater&) = delete;
  ZlibInflater& operator=(const ZlibInflater&) = delete;
  ~ZlibInflater() override { inflateEnd(&stream_); }

  void Reset() override { inflateReset(&stream_); }

  InflateStep Inflate(std::string_view input, std::span<char> output) override {
    const auto in = static_cast<uInt>(std::min(input.size(), kMaxCount));
    const auto out = static_cast<uInt>(std::min(output.size(), kMaxCount));
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = in;
    stream_.next_out = reinterpret_cast<Bytef*>(output.data());
    stream_.avail_out = out;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    InflateStep step{.used = static_cast<std::ptrdiff_t>(in - stream_.avail_in),
                     .written = out - stream_.avail_out};
    if (status == Z_STREAM_END) {
      step.status = InflateStatus::kEnd;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      step.status = InflateStatus::kDamaged;
    }
    return step;
  }

  std::uint32_t Crc32(std::uint32_t crc, std::string_view bytes) const override {
    return static_cast<std::uint32_t>(
        crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  }

 private:
  z_stream stream_{};
};

#ifdef GNEISS_HAVE_ISAL
class IsalInflater : public Inflater {
 public:
  IsalInflater() : state_(std::make_unique<inflate_state>()) {
    isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_DEFLATE;
  }

  void Reset() override { isal_inflate_reset(state_.get()); }

  InflateStep Inflate(std::string_view input, std::span<char> output) override {
    const auto in = static_cast<std::uint32_t>(std::min(input.size(), kMaxCount));
    const auto out = static_cast<std::uint32_t>(std::min(output.size(), kMaxCount));
    state_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(input.data()));
    state_->avail_in = in;
    state_->next_out = reinterpret_cast<std::uint8_t*>(output.data());
    state_->avail_out = out;
    const int status = isal_inflate(state_.get());
    InflateStep step{.used = static_cast<std::ptrdiff_t>(in - state_->avail_in),
                     .written = out - state_->avail_out};
    if (status < 0) {
      step.status = InflateStatus::kDamaged;
    } else if (state_->block_state == ISAL_BLOCK_FINISH) {
      // Whole bytes in its bit buffer lie behind the end.
      step.used -= std::max(state_->read_in_length, 0) / 8;
      step.status = InflateStatus::kEnd;
    }
    return step;
  }

  std::uint32_t Crc32(std::uint32_t crc, std::string_view bytes) const override {
    return crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  }

 private:
  std::unique_ptr<inflate_state> state_;
};
#endif

}  // namespace

std::unique_ptr<Inflater> MakeInflater(InflateLibrary library) {
#ifdef GNEISS_HAVE_ISAL
  if (library == InflateLibrary::kFastest) return std::make_unique<IsalInflater>();
#endif
  (void)library;
  return std::make_unique<ZlibInflater>();
}

}  // namespace gneiss
