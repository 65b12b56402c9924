// The blobs of an OCI layout directory: where each one is, and that it is what its descriptor says.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "io/source/manifest.h"
#include "planner/bytes.h"

namespace gneiss {

struct BlobContent {
  std::string content;
  bool verified = true;  // false: only the size, the algorithm of the digest is not known here
};

class LayoutBlobs {
 public:
  explicit LayoutBlobs(std::string directory) : directory_(std::move(directory)) {}

  // "DIR/blobs/ALGORITHM/ENCODED", whether or not it is there. The grammar of digests has no '/'
  // and no "..", so it stays inside the directory.
  std::string PathOf(const Descriptor& descriptor) const { return PathOf(descriptor.digest_text); }
  // REQUIRES: a text that ParseDigest accepts.
  std::string PathOf(std::string_view digest_text) const;

  // The blob, nullopt when it is not there. Throws InputError with its path as source when it is no
  // plain file, has another size than the descriptor says, more than `max_bytes`, or another
  // digest; std::system_error when it cannot be read.
  std::optional<BlobContent> Read(const Descriptor& descriptor, std::size_t max_bytes) const;

 private:
  std::string directory_;
};

// Content of a plain file, nullopt when nothing is there. Symbolic links are not followed: a layout
// is what its directory holds. Throws InputError, before anything is read, when it is no plain
// file, has not `expected_size` (unless that is kUnknownSize) or more than `max_bytes`;
// std::system_error when reading fails.
[[nodiscard]] std::optional<std::string> ReadPlainFile(const std::string& path, Bytes expected_size,
                                                       std::size_t max_bytes);

}  // namespace gneiss
