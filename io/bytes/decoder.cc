#include "io/bytes/decoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <new>

#include <zstd.h>
#include <zstd_errors.h>

namespace gneiss {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kGzipMagic = "\x1f\x8b"sv;
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd"sv;
constexpr Bytes kMarkStride = Bytes{8} << 10;
constexpr std::size_t kFrameHeaderStart = 5;  // magic and the byte that says how long the rest is
constexpr char kTruncated[] = " ends early; the layer is truncated";

// A start of the magic that the bytes end in can only be a member cut short.
bool IsGzip(std::string_view head) {
  return !head.empty() && kGzipMagic.starts_with(head.substr(0, kGzipMagic.size()));
}

bool IsZstd(std::string_view head) {
  if (head.empty()) return false;
  head = head.substr(0, kZstdMagic.size());
  const bool is_skippable = (static_cast<unsigned char>(head[0]) & 0xf0U) == 0x50 &&
                            "\x2a\x4d\x18"sv.starts_with(head.substr(1));
  return kZstdMagic.starts_with(head) || is_skippable;
}

// Memory that a zstd frame asks for, by its header (RFC 8878, 3.1.1.1); 0 of a skippable frame and
// where the header is cut short.
constexpr std::size_t kMaxFrameHeader = 18;
Bytes WindowOf(std::string_view header) {
  const auto byte = [&](std::size_t i) {
    return i < header.size() ? std::uint64_t{static_cast<unsigned char>(header[i])} : 0;
  };
  if (!header.starts_with(kZstdMagic)) return 0;
  const std::uint64_t descriptor = byte(4);
  if ((descriptor & 0x20U) == 0) {
    const std::uint64_t base = std::uint64_t{1} << (10 + (byte(5) >> 3U));
    return static_cast<Bytes>(base + base / 8 * (byte(5) & 7U));
  }
  // A single segment: its content, whose size follows the number of a dictionary.
  constexpr std::array<std::size_t, 4> kDictionaryBytes = {0, 1, 2, 4};
  const std::size_t begin = kFrameHeaderStart + kDictionaryBytes[descriptor & 3U];
  const std::size_t count = std::size_t{1} << (descriptor >> 6U);
  std::uint64_t size = count == 2 ? 256 : 0;
  for (std::size_t i = 0; i < count; ++i) size += byte(begin + i) << (8 * i);
  return static_cast<Bytes>(std::min<std::uint64_t>(size, std::numeric_limits<Bytes>::max()));
}

class PlainDecoder : public LayerDecoder {
 public:
  using LayerDecoder::LayerDecoder;

  std::size_t Decode(std::span<char> block) override {
    const std::size_t count = stored_.CopyTo(block);
    shares_.AddMark(stored_.position(), stored_.position());
    return count;
  }
};

class GzipDecoder : public LayerDecoder {
 public:
  GzipDecoder(StoredBytes& stored, StoredShares& shares, InflateLibrary library)
      : LayerDecoder(stored, shares), inflater_(MakeInflater(library)) {}

  std::size_t Decode(std::span<char> block) override {
    while (true) {
      if (!inside_member_ && !StartMember()) return 0;
      // Input goes in up to the next multiple of the stride, in one piece however it was read;
      // there, once the decoder holds nothing back, is a mark.
      std::string_view input;
      if (!is_flushing_) {
        const Bytes to_mark = kMarkStride - stored_.position() % kMarkStride;
        input = stored_.Peek(static_cast<std::size_t>(to_mark));
        if (input.empty()) throw stored_.ErrorAt(stored_.position(), Truncated());
      }
      const InflateStep step = inflater_->Inflate(input, block);
      const bool is_stuck = !is_flushing_ && step.status == InflateStatus::kMore &&
                            step.used == 0 && step.written == 0;
      if (step.status == InflateStatus::kDamaged || is_stuck) {
        throw stored_.ErrorAt(member_begin_,
                              "expected a gzip member, found one whose deflate stream is damaged");
      }
      stored_.Take(step.used);
      crc_ = inflater_->Crc32(crc_, {block.data(), step.written});
      num_written_ += static_cast<std::uint32_t>(step.written);
      total_ += static_cast<Bytes>(step.written);
      is_flushing_ = false;
      if (step.status == InflateStatus::kEnd) {
        FinishMember();
        shares_.AddMark(total_, stored_.position());
      } else if (stored_.position() % kMarkStride == 0) {
        is_flushing_ = step.written == block.size();
        if (!is_flushing_) shares_.AddMark(total_, stored_.position());
      }
      if (step.written > 0) return step.written;
    }
  }
  std::optional<Bytes> stargz_index_begin() const override { return stargz_index_begin_; }

 private:
  static std::string Truncated() { return std::string("gzip stream") + kTruncated; }

  // RFC 1952, 2.3. False where the members have ended.
  bool StartMember() {
    if (ended_) return false;
    if (!is_first_ && !FindNext(&IsGzip)) {
      ended_ = true;
      return false;
    }
    is_first_ = false;
    member_begin_ = stored_.position();
    header_crc_ = 0;
    std::array<std::uint8_t, 10> fixed{};
    for (std::uint8_t& byte : fixed) byte = HeaderByte();
    const unsigned flags = fixed[3];
    if (fixed[2] != 8 || (flags & 0xe0U) != 0) {
      throw stored_.ErrorAt(member_begin_,
                            "expected a gzip member of deflate without reserved flags, found "
                            "method " +
                                std::to_string(fixed[2]) + ", flags " + std::to_string(flags));
    }
    stargz_index_begin_.reset();
    if ((flags & kHasExtra) != 0) ReadExtra();
    for (const unsigned field : {kHasName, kHasComment}) {
      if ((flags & field) == 0) continue;
      while (HeaderByte() != 0) {
      }
    }
    if ((flags & kHasHeaderCrc) != 0) {
      const std::uint32_t computed = header_crc_ & 0xffffU;
      const std::uint32_t low = HeaderByte();
      if ((low | static_cast<std::uint32_t>(HeaderByte()) << 8U) != computed) {
        throw stored_.ErrorAt(member_begin_,
                              "expected a gzip member, found one with a wrong CRC "
                              "of its header");
      }
    }
    inflater_->Reset();
    crc_ = 0;
    num_written_ = 0;
    inside_member_ = true;
    shares_.StartMember(total_, member_begin_);
    return true;
  }

  // The footer of estargz has one field, "SG": 16 hexadecimal digits and "STARGZ"; that of stargz,
  // which came before it, has them without the field around them.
  void ReadExtra() {
    unsigned length = HeaderByte();
    length |= static_cast<unsigned>(HeaderByte()) << 8U;
    std::string extra;
    for (unsigned i = 0; i < length; ++i) {
      const auto byte = static_cast<char>(HeaderByte());
      if (extra.size() < 26) extra += byte;
    }
    if (extra.starts_with("SG\x16\0"sv)) extra.erase(0, 4);
    if (length > 26 || extra.size() != 22 || !extra.ends_with("STARGZ")) return;
    Bytes begin = 0;
    const char* const digits = extra.data();
    const auto [end, error] = std::from_chars(digits, digits + 16, begin, 16);
    if (error == std::errc() && end == digits + 16) stargz_index_begin_ = begin;
  }

  void FinishMember() {
    const Bytes begin = stored_.position();
    std::array<std::uint32_t, 2> found{};
    for (std::uint32_t& word : found) {
      for (unsigned shift = 0; shift < 32; shift += 8) {
        word |= static_cast<std::uint32_t>(HeaderByte()) << shift;
      }
    }
    if (found[0] != crc_) {
      throw stored_.ErrorAt(begin, "expected CRC-32 " + std::to_string(crc_) +
                                       " of a gzip member's content, found " +
                                       std::to_string(found[0]));
    }
    if (found[1] != num_written_) {
      throw stored_.ErrorAt(begin + 4, "expected length " + std::to_string(num_written_) +
                                           " of a gzip member's content, found " +
                                           std::to_string(found[1]));
    }
    inside_member_ = false;
  }

  std::uint8_t HeaderByte() {
    const std::string_view input = stored_.Some();
    if (input.empty()) throw stored_.ErrorAt(stored_.position(), Truncated());
    header_crc_ = inflater_->Crc32(header_crc_, input.substr(0, 1));
    const auto byte = static_cast<std::uint8_t>(input.front());
    stored_.Take(1);
    return byte;
  }

  static constexpr unsigned kHasHeaderCrc = 2;
  static constexpr unsigned kHasExtra = 4;
  static constexpr unsigned kHasName = 8;
  static constexpr unsigned kHasComment = 16;

  std::unique_ptr<Inflater> inflater_;
  Bytes member_begin_ = 0;
  bool is_flushing_ = false;
  std::uint32_t header_crc_ = 0;
  std::uint32_t crc_ = 0;
  std::uint32_t num_written_ = 0;  // modulo 2^32, as the trailer has it
  bool inside_member_ = false;
  bool is_first_ = true;
  bool ended_ = false;
  std::optional<Bytes> stargz_index_begin_;
};

class ZstdDecoder : public LayerDecoder {
 public:
  ZstdDecoder(StoredBytes& stored, StoredShares& shares, std::int64_t max_window)
      : LayerDecoder(stored, shares),
        max_window_(max_window),
        context_(ZSTD_createDCtx(), &ZSTD_freeDCtx) {
    if (context_ == nullptr) throw std::bad_alloc();
    const ZSTD_bounds bounds = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax);
    // The limit itself is held by StartFrame, so zstd's power of two may be above it.
    const auto window = static_cast<std::uint64_t>(std::max<std::int64_t>(max_window, 1));
    const auto log = static_cast<int>(std::bit_width(window - 1));
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax,
                           std::clamp(log, bounds.lowerBound, bounds.upperBound));
  }

  std::size_t Decode(std::span<char> block) override {
    ZSTD_outBuffer output{.dst = block.data(), .size = block.size(), .pos = 0};
    while (output.pos == 0) {
      if (!inside_frame_ && !StartFrame()) return 0;
      // Input goes in as the decoder asks for it, a block at a time, whatever the reads were; where
      // it holds nothing back is a mark.
      std::string_view stored;
      if (!is_flushing_) {
        stored = stored_.Peek(std::min(wanted_, StoredBytes::kMaxPeek));
        if (stored.empty()) {
          throw stored_.ErrorAt(stored_.position(), std::string("zstd stream") + kTruncated);
        }
      }
      ZSTD_inBuffer input{.src = stored.data(), .size = stored.size(), .pos = 0};
      const std::size_t status = ZSTD_decompressStream(context_.get(), &output, &input);
      stored_.Take(static_cast<std::ptrdiff_t>(input.pos));
      if (ZSTD_isError(status)) throw Damaged(status);
      wanted_ = status;
      inside_frame_ = status != 0;
      is_flushing_ = inside_frame_ && output.pos == output.size;
      if (!is_flushing_) {
        shares_.AddMark(total_ + static_cast<Bytes>(output.pos), stored_.position());
      }
    }
    total_ += static_cast<Bytes>(output.pos);
    return output.pos;
  }

 private:
  bool StartFrame() {
    if (ended_) return false;
    if (!is_first_ && !FindNext(&IsZstd)) {
      ended_ = true;
      return false;
    }
    is_first_ = false;
    frame_begin_ = stored_.position();
    const Bytes window = WindowOf(stored_.Peek(kMaxFrameHeader));
    if (window > max_window_) throw WindowTooLarge();
    largest_window_ = std::max(largest_window_, window);
    wanted_ = kFrameHeaderStart;
    inside_frame_ = true;
    return true;
  }

  InputError WindowTooLarge() const {
    return stored_.ErrorAt(frame_begin_, "expected a zstd window of at most " +
                                             std::to_string(max_window_) +
                                             " bytes (--max-zstd-window), found a larger one");
  }

  InputError Damaged(std::size_t status) const {
    // zstd itself has a limit that no option moves.
    if (ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge) {
      return WindowTooLarge();
    }
    return stored_.ErrorAt(
        frame_begin_,
        std::string("expected a zstd frame, found a damaged one: ") + ZSTD_getErrorName(status));
  }

  std::int64_t max_window_;
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
  Bytes frame_begin_ = 0;
  std::size_t wanted_ = 0;  // input bytes up to the end of the decoder's next step
  bool is_flushing_ = false;
  bool inside_frame_ = false;
  bool is_first_ = true;
  bool ended_ = false;
};

}  // namespace

bool LayerDecoder::FindNext(bool (*is_magic)(std::string_view head)) {
  while (!stored_.Some().empty() && stored_.Some().front() == '\0') {
    const std::string_view some = stored_.Some();
    stored_.Take(static_cast<std::ptrdiff_t>(std::min(some.find_first_not_of('\0'), some.size())));
  }
  if (is_magic(stored_.Peek(4))) return true;
  trailing_begin_ = stored_.position();
  while (!stored_.Some().empty()) {
    const auto count = static_cast<std::ptrdiff_t>(stored_.Some().size());
    trailing_bytes_ += count;
    stored_.Take(count);
  }
  return false;
}

LayerCodec DetectCodec(std::string_view head) {
  if (head.starts_with(kGzipMagic)) return LayerCodec::kGzip;
  if (head.size() >= kZstdMagic.size() && IsZstd(head)) return LayerCodec::kZstd;
  return LayerCodec::kTar;
}

std::unique_ptr<LayerDecoder> MakeDecoder(LayerCodec codec, StoredBytes& stored,
                                          StoredShares& shares, const DecoderOptions& options) {
  switch (codec) {
    case LayerCodec::kGzip:
      return std::make_unique<GzipDecoder>(stored, shares, options.inflate);
    case LayerCodec::kZstd:
      return std::make_unique<ZstdDecoder>(stored, shares, options.max_zstd_window);
    case LayerCodec::kTar:
      break;
  }
  return std::make_unique<PlainDecoder>(stored, shares);
}

}  // namespace gneiss
