#include "io/bytes/sha256_stream.h"

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <openssl/evp.h>

namespace gneiss {

struct Sha256Stream::Context {
  using Algorithm = std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)>;
  using State = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

  // Fetched once: a look-up by name for each small file would cost more than its hash.
  Algorithm algorithm{EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free};
  State state{EVP_MD_CTX_new(), &EVP_MD_CTX_free};

  void Restart() {
    if (EVP_DigestInit_ex2(state.get(), algorithm.get(), nullptr) != 1) Fail();
  }
  [[noreturn]] static void Fail() { throw std::runtime_error("OpenSSL cannot compute a sha256"); }
};

Sha256Stream::Sha256Stream() : context_(std::make_unique<Context>()) {
  if (context_->algorithm == nullptr || context_->state == nullptr) Context::Fail();
  context_->Restart();
}

Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::Update(std::string_view bytes) {
  if (EVP_DigestUpdate(context_->state.get(), bytes.data(), bytes.size()) != 1) Context::Fail();
}

void Sha256Stream::UpdateZeros(std::int64_t count) {
  static constexpr std::array<char, std::size_t{64} << 10> kZeros{};
  while (count > 0) {
    const auto part = std::min<std::int64_t>(count, std::ssize(kZeros));
    Update({kZeros.data(), static_cast<std::size_t>(part)});
    count -= part;
  }
}

Digest Sha256Stream::Finish() {
  Digest digest;
  unsigned length = 0;
  if (EVP_DigestFinal_ex(context_->state.get(), digest.bytes.data(), &length) != 1 ||
      length != digest.bytes.size()) {
    Context::Fail();
  }
  context_->Restart();
  return digest;
}

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
