#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/elf_head.h"

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
          "[planner][elf_head]") {
  for (const bool wide : {true, false}) {
    for (const bool little : {true, false}) {
      CHECK(ClassifyElf(MakeElf(wide, little, 2, {1, 1})) == ElfKind::kStatic);
      CHECK(ClassifyElf(MakeElf(wide, little, 3, {6, 3, 1})) == ElfKind::kDynamic);
      CHECK(ClassifyElf(MakeElf(wide, little, 1, {1})) == ElfKind::kNotElf);  // an object file
      CHECK(ClassifyElf(MakeElf(wide, little, 2, {})) == ElfKind::kNotElf);
    }
  }
}

TEST_CASE("Whatever the bytes, no read is out of bounds", "[planner][elf_head]") {
  const std::string good = MakeElf(true, true, 3, {6, 1, 3});
  for (std::size_t n = 0; n < good.size(); ++n) {
    CHECK(ClassifyElf(good.substr(0, n)) != ElfKind::kStatic);
  }
  for (std::size_t at = 4; at < 64; ++at) {
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string bad = good;
      bad[at] = value;
      static_cast<void>(ClassifyElf(bad));
    }
  }
  std::string far = good;
  for (std::size_t at = 32; at < 40; ++at) far[at] = '\xff';
  CHECK(ClassifyElf(far) == ElfKind::kNotElf);
  CHECK(ClassifyElf("#!/bin/sh\n") == ElfKind::kNotElf);
}

TEST_CASE("The program that runs this test is ELF", "[planner][elf_head]") {
  std::ifstream self("/proc/self/exe", std::ios::binary);
  std::string head(kElfHeadBytes, '\0');
  self.read(head.data(), static_cast<std::streamsize>(head.size()));
  REQUIRE(self);
  CHECK(ClassifyElf(head) == ElfKind::kDynamic);
}

}  // namespace
}  // namespace gneiss
