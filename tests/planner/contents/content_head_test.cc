#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/contents/inventory.h"

namespace gneiss {
namespace {

// An ELF head with the given program headers.
std::string MakeElf(bool wide, bool little, std::uint64_t type,
                    const std::vector<std::uint64_t>& programs) {
  std::string bytes(wide ? 64 : 52, '\0');
  const auto put = [&](std::size_t offset, std::size_t size, std::uint64_t value) {
    if (bytes.size() < offset + size) bytes.resize(offset + size);
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t at = offset + (little ? i : size - 1 - i);
      bytes[at] = static_cast<char>(value >> (8 * i) & 0xff);
    }
  };
  bytes.replace(0, 4,
                "\x7f"
                "ELF");
  bytes[4] = wide ? 2 : 1;
  bytes[5] = little ? 1 : 2;
  const std::size_t table = bytes.size();
  const std::size_t entry = wide ? 56 : 32;
  put(16, 2, type);
  put(wide ? 32 : 28, wide ? 8 : 4, table);
  put(wide ? 54 : 42, 2, entry);
  put(wide ? 56 : 44, 2, programs.size());
  for (std::size_t p = 0; p < programs.size(); ++p) put(table + p * entry, 4, programs[p]);
  bytes.resize(table + programs.size() * entry);
  return bytes;
}

TEST_CASE("A program with an interpreter is dynamic, one without is static",
          "[planner][content_head]") {
  for (const bool wide : {true, false}) {
    for (const bool little : {true, false}) {
      CHECK(ClassifyHead(MakeElf(wide, little, 2, {1, 1})) == ContentHead::kStaticProgram);
      CHECK(ClassifyHead(MakeElf(wide, little, 3, {6, 3, 1})) == ContentHead::kDynamicProgram);
      CHECK(ClassifyHead(MakeElf(wide, little, 1, {1})) == ContentHead::kOther);  // an object file
      CHECK(ClassifyHead(MakeElf(wide, little, 2, {})) == ContentHead::kOther);
    }
  }
}

TEST_CASE("Whatever the bytes, no read is out of bounds", "[planner][content_head]") {
  const std::string good = MakeElf(true, true, 3, {6, 1, 3});
  for (std::size_t n = 0; n < good.size(); ++n) {
    CHECK(ClassifyHead(good.substr(0, n)) != ContentHead::kStaticProgram);
  }
  for (std::size_t at = 4; at < 64; ++at) {
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string bad = good;
      bad[at] = value;
      static_cast<void>(ClassifyHead(bad));
    }
  }
  std::string far = good;
  for (std::size_t at = 32; at < 40; ++at) far[at] = '\xff';
  CHECK(ClassifyHead(far) == ContentHead::kOther);
  CHECK(ClassifyHead("#!/bin/sh\n") == ContentHead::kOther);
}

TEST_CASE("A private key is told from a certificate and from text about keys",
          "[planner][content_head]") {
  for (const char* key :
       {"-----BEGIN PRIVATE KEY-----\nMII", "-----BEGIN RSA PRIVATE KEY-----\r\nMII",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII",
        "\n-----BEGIN EC PRIVATE KEY-----\n", "PuTTY-User-Key-File-3: ssh-ed25519\n",
        "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE "
        "KEY-----\n",
        "Bag Attributes\n    localKeyID: 01\n-----BEGIN PRIVATE KEY-----\n"}) {
    INFO(key);
    CHECK(ClassifyHead(key) == ContentHead::kPrivateKey);
  }
  for (const char* other :
       {"", "-", "-----BEGIN ", "-----BEGIN CERTIFICATE-----\nMII\n",
        "-----BEGIN PUBLIC KEY-----\n", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
        "# -----BEGIN PRIVATE KEY-----\n", "const key = `\n-----BEGIN PRIVATE KEY-----\n`"}) {
    INFO(other);
    CHECK(ClassifyHead(other) == ContentHead::kOther);
  }
}

TEST_CASE("The program that runs this test is ELF", "[planner][content_head]") {
  std::ifstream self("/proc/self/exe", std::ios::binary);
  std::string head(kContentHeadBytes, '\0');
  self.read(head.data(), static_cast<std::streamsize>(head.size()));
  REQUIRE(self);
  CHECK(ClassifyHead(head) == ContentHead::kDynamicProgram);
}

}  // namespace
}  // namespace gneiss
