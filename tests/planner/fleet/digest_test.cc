#include "planner/fleet/digest.h"

#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace gneiss {
namespace {

const std::string kAbc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST_CASE("A sha256 digest is its 32 bytes and is written as it was read", "[planner][digest]") {
  const auto parsed = ParseDigest(kAbc);
  REQUIRE(parsed.has_value());
  CHECK(parsed->verifiable);
  CHECK(parsed->digest.bytes.front() == 0xba);
  CHECK(parsed->digest.bytes.back() == 0xad);
  CHECK(FormatDigest(parsed->digest) == kAbc);
  CHECK(Sha256("abc") == parsed->digest);
  CHECK(FormatDigest(Digest{}) == "sha256:" + std::string(64, '0'));
}

TEST_CASE("A sha256 digest has 64 hexadecimal digits in lower case", "[planner][digest]") {
  const std::string hex = kAbc.substr(7);
  for (std::size_t i = 0; i < hex.size(); ++i) {
    for (const char bad : {'g', 'A', 'F', '/', ':', '@', '`', '.', ' ', '\0', '\xff'}) {
      std::string text = kAbc;
      text[7 + i] = bad;
      REQUIRE_FALSE(ParseDigest(text).has_value());
    }
    for (const char good : {'0', '9', 'a', 'f'}) {
      std::string text = kAbc;
      text[7 + i] = good;
      REQUIRE(FormatDigest(ParseDigest(text).value().digest) == text);
    }
  }
  for (const std::string& text :
       {std::string(), std::string("sha256"), std::string("sha256:"), hex, ":" + hex, kAbc + "0",
        kAbc.substr(0, 70), "sha256:" + std::string(64, 'A'), std::string("sha256:../../x"),
        "SHA256:" + hex, " " + kAbc, kAbc + "\n"}) {
    CHECK_FALSE(ParseDigest(text).has_value());
  }
}

TEST_CASE("sha384 and sha512 have their lengths", "[planner][digest]") {
  CHECK(ParseDigest("sha512:" + std::string(128, 'a')).has_value());
  CHECK_FALSE(ParseDigest("sha512:" + std::string(128, 'a')).value().verifiable);
  CHECK_FALSE(ParseDigest("sha512:" + std::string(127, 'a')).has_value());
  CHECK_FALSE(ParseDigest("sha512:" + std::string(128, 'A')).has_value());
  CHECK(ParseDigest("sha384:" + std::string(96, 'a')).has_value());
  CHECK_FALSE(ParseDigest("sha384:" + std::string(64, 'a')).has_value());
}

TEST_CASE("A digest of an unknown algorithm is a key when its grammar is valid",
          "[planner][digest]") {
  for (const std::string text :
       {"a:b", "blake3:abc", "multihash+base58:QmRZ_x-=", "sha256+b64u.x:A", "a1.b2_c3-d4:x"}) {
    INFO(text);
    const auto parsed = ParseDigest(text);
    REQUIRE(parsed.has_value());
    CHECK_FALSE(parsed->verifiable);
    CHECK(parsed->digest == Sha256(text));
  }
  for (const std::string text : {"a:", ":b", "A:b", "a+:b", "+a:b", "a++b:c", "..:b", "a/b:c",
                                 "a:b/c", "a:..", "a:b.c", "a:b c", "a:b:c"}) {
    INFO(text);
    CHECK_FALSE(ParseDigest(text).has_value());
  }
  CHECK(ParseDigest("a:" + std::string(1022, 'x')).has_value());
  CHECK_FALSE(ParseDigest("a:" + std::string(1023, 'x')).has_value());
}

TEST_CASE("Every byte of a digest takes part in its hash", "[planner][digest]") {
  std::set<std::uint64_t> hashes{DigestHash()(Digest{})};
  for (std::size_t i = 0; i < 32; ++i) {
    Digest digest;
    digest.bytes[i] = 1;
    hashes.insert(DigestHash()(digest));
  }
  CHECK(hashes.size() == 33);
}

TEST_CASE("An index finds each digest at its position, and no other", "[planner][digest_index]") {
  std::vector<Digest> digests;
  DigestIndex index;
  const auto digest_at = [&](std::uint32_t i) -> const Digest& { return digests[i]; };
  CHECK(index.Find(Sha256("0"), digest_at) == DigestIndex::kAbsent);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    digests.push_back(Sha256(std::to_string(i)));
    index.Insert(i, digest_at);
    REQUIRE(index.Find(digests[i], digest_at) == i);
  }
  for (std::uint32_t i = 0; i < 1000; ++i) REQUIRE(index.Find(digests[i], digest_at) == i);
  for (std::uint32_t i = 1000; i < 2000; ++i) {
    REQUIRE(index.Find(Sha256(std::to_string(i)), digest_at) == DigestIndex::kAbsent);
  }
}

}  // namespace
}  // namespace gneiss
