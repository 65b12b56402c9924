// The blobs of an OCI layout: where each one is, and that it is what its descriptor says.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "io/bytes/byte_source.h"
#include "io/source/layout_files.h"
#include "io/source/manifest.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

struct BlobContent {
  std::string content;
  bool verified = true;  // false: only the size, the algorithm of the digest is not known here
};

// Digests are texts that ParseDigest accepts. Their grammar has no '/' and no "..", so that the
// name of a blob leads nowhere else.
class LayoutBlobs {
 public:
  explicit LayoutBlobs(std::shared_ptr<const LayoutFiles> files) : files_(std::move(files)) {}

  const LayoutFiles& files() const { return *files_; }

  // "blobs/ALGORITHM/ENCODED".
  static std::string NameOf(std::string_view digest_text);
  // The digest in such a name, nullopt in any other.
  static std::optional<std::string> DigestIn(std::string_view name);
  // What a message calls the blob, whether or not it is there.
  std::string PathOf(const Descriptor& descriptor) const {
    return files_->PathOf(NameOf(descriptor.digest_text));
  }

  // The blob, nullopt when it is not there. Throws InputError with its path as source when it is no
  // plain file, has another size than the descriptor says, more than `max_bytes`, or another
  // digest; std::system_error when it cannot be read.
  std::optional<BlobContent> Read(const Descriptor& descriptor, std::size_t max_bytes) const;
  // As LayoutFiles, not verified.
  std::unique_ptr<ByteSource> Open(std::string_view digest_text) const {
    return files_->Open(NameOf(digest_text));
  }
  std::optional<Bytes> SizeOf(const Descriptor& descriptor) const {
    return files_->SizeOf(NameOf(descriptor.digest_text));
  }

 private:
  std::shared_ptr<const LayoutFiles> files_;
};

}  // namespace gneiss
