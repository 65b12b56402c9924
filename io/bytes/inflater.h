// Raw deflate (RFC 1951) behind one small interface, by ISA-L where the build has it and by zlib
// otherwise: inflating is the bottleneck of a scan. Knows nothing of gzip's headers and trailers,
// so both libraries meet the same checks around them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace gneiss {

enum class InflateLibrary {
  kFastest,  // ISA-L where the build has it
  kZlib,
};

enum class InflateStatus {
  kMore,     // input used up or output full
  kEnd,      // of the deflate stream
  kDamaged,  // no deflate stream; unusable until Reset
};

struct InflateStep {
  // Input bytes used. Negative when the stream has ended and bytes of the call before, at most
  // kMaxInflateLookAhead, were read ahead.
  std::ptrdiff_t used = 0;
  std::size_t written = 0;
  InflateStatus status = InflateStatus::kMore;
};
inline constexpr std::size_t kMaxInflateLookAhead = 8;

class Inflater {
 public:
  virtual ~Inflater() = default;

  // Starts another stream.
  virtual void Reset() = 0;
  // Input may be empty: then what the call before held back is written. REQUIRES: output is not
  // empty. Bytes written before an error differ between the libraries.
  virtual InflateStep Inflate(std::string_view input, std::span<char> output) = 0;
  // CRC-32 of gzip, continued from `crc` (at first 0).
  virtual std::uint32_t Crc32(std::uint32_t crc, std::string_view bytes) const = 0;
};

[[nodiscard]] std::unique_ptr<Inflater> MakeInflater(InflateLibrary library);

}  // namespace gneiss
