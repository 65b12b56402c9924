// SHA-256 of bytes that come in pieces. One context serves any number of hashes: nothing is
// allocated between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "io/bytes/byte_source.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {

class Sha256Stream {
 public:
  Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;
  ~Sha256Stream();

  void Update(std::string_view bytes);
  // That many zero bytes, without a buffer of that size. Time O(count).
  void UpdateZeros(std::int64_t count);
  // Hash of all since the last Finish.
  [[nodiscard]] Digest Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Blobs held against their digests: hashed from end to end, or read whole. What is said of one that
// is something else is its reader's affair.

struct HashedBytes {
  Digest digest;  // sha256
  Bytes size = 0;
};

// Reads `file` to its end, or until more than `limit` bytes were read, as a file may grow without
// end; what is found is then of more than `limit` bytes. `on_bytes` is told how many each time; may
// be empty. Throws what ByteSource::Read throws.
[[nodiscard]] HashedBytes HashSource(ByteSource& file, const std::function<void(Bytes)>& on_bytes,
                                     Bytes limit = std::numeric_limits<Bytes>::max());

struct VerifiedBlob {
  std::string content;  // empty unless it is verified
  Digest found;         // sha256 of what was read
  bool is_verified = false;
};

// All of a small blob. Verified is what `digest_text` is the sha256 of; a digest of another
// algorithm verifies nothing. Throws what ReadWhole throws, with the digest as source.
[[nodiscard]] VerifiedBlob ReadVerified(ByteSource& blob, std::string_view digest_text,
                                        Bytes expected_size, std::size_t max_bytes);

}  // namespace gneiss
