#include "io/bytes/verified_blob.h"

#include <optional>
#include <utility>
#include <vector>

#include "io/bytes/sha256_stream.h"

namespace gneiss {
namespace {

constexpr std::size_t kHashChunkBytes = std::size_t{256} << 10;

}  // namespace

HashedBytes HashSource(ByteSource& file, const std::function<void(Bytes)>& on_bytes, Bytes limit) {
  Sha256Stream hash;
  HashedBytes found;
  std::vector<char> buffer(kHashChunkBytes);
  while (found.size <= limit) {
    const std::size_t count = file.Read(buffer);
    if (count == 0) break;
    hash.Update({buffer.data(), count});
    found.size += static_cast<Bytes>(count);
    if (on_bytes) on_bytes(static_cast<Bytes>(count));
  }
  found.digest = hash.Finish();
  return found;
}

VerifiedBlob ReadVerified(ByteSource& blob, std::string_view digest_text, Bytes expected_size,
                          std::size_t max_bytes) {
  VerifiedBlob read;
  std::string content = ReadWhole(blob, std::string(digest_text), expected_size, max_bytes);
  const std::optional<ParsedDigest> digest = ParseDigest(digest_text);
  read.found = Sha256(content);
  read.is_verified = digest && digest->verifiable && digest->digest == read.found;
  if (read.is_verified) read.content = std::move(content);
  return read;
}

}  // namespace gneiss
