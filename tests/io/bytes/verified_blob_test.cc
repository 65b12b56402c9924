#include <cstdint>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "io/bytes/sha256_stream.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

TEST_CASE("A source is hashed to its end, or until it has more than it may",
          "[io][verified_blob]") {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += std::to_string(i);
  for (const std::size_t chunk : {0, 1, 4096, 100'000}) {
    const std::string content = chunk == 1 ? bytes.substr(0, 1000) : bytes;
    Bytes told = 0;
    const HashedBytes found =
        HashSource(*ReadMemory(content, chunk), [&](Bytes count) { told += count; });
    CHECK(found.digest == Sha256(content));
    CHECK(found.size == std::ssize(content));
    CHECK(told == found.size);
  }
  CHECK(HashSource(*ReadMemory(bytes, 10), {}, std::ssize(bytes)).digest == Sha256(bytes));
  CHECK(HashSource(*ReadMemory(bytes, 10), {}, 19).size == 20);
  CHECK(HashSource(*ReadMemory(bytes, 10), {}, 20).size == 30);
  CHECK(HashSource(*ReadMemory(""), {}).digest == Sha256(""));
}

TEST_CASE("A blob is what its digest says, or its content is not given", "[io][verified_blob]") {
  const TemporaryDirectory directory;
  const std::string path = directory.Write("blob", "content");
  const auto read = [&](const std::string& digest_text, Bytes size = kUnknownSize,
                        std::size_t max_bytes = 7) {
    return ReadVerified(*OpenPlainFile(path), digest_text, size, max_bytes);
  };
  const std::string digest = FormatDigest(Sha256("content"));
  CHECK(read(digest).is_verified);
  CHECK(read(digest, 7).content == "content");

  for (const std::string& other :
       {FormatDigest(Sha256("other")), "sha512:" + digest.substr(7) + digest.substr(7)}) {
    const VerifiedBlob blob = read(other);
    CHECK_FALSE(blob.is_verified);
    CHECK(blob.content.empty());
    CHECK(blob.found == Sha256("content"));
  }
  CHECK(MessageOf<InputError>([&] { (void)read(digest, 8); }) ==
        digest + ": expected 8 bytes, as its descriptor says, found 7");
  CHECK(MessageOf<InputError>([&] { (void)read(digest, kUnknownSize, 6); }) ==
        digest + ": expected at most 6 bytes of JSON, found 7");
}

}  // namespace
}  // namespace gneiss
