// Blobs held against their digests: hashed from end to end, or read whole. What is said of one that
// is something else is its reader's affair.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

#include "io/bytes/byte_source.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {

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
