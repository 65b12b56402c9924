#include "solver/hashing/seeded_hash.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <catch2/catch.hpp>

#include "solver/carving/index_set.h"

namespace gneiss {
namespace {

TEST_CASE("Texts hash as SipHash-1-3 has it", "[solver][seeded_hash]") {
  // Of CPython 3.11, whose hash(bytes) is the same with PYTHONHASHSEED=0.
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> kKnown = {
      {{"a", 0x407448d2b89b1813U},
       {"abc", 0xc03bc3a0042630f2U},
       {"12345678", 0x3489982430560a87U},
       {"123456789abcdefg", 0x2b1aa8d688793027U}}};
  for (const auto& [text, hash] : kKnown) {
    CHECK(KeyedHash(HashSeed{}).AddText(text).Finish() == hash);
  }
}

TEST_CASE("Each process draws a seed of its own, and every hash depends on it",
          "[solver][seeded_hash]") {
  const HashSeed drawn = DrawHashSeed();
  const HashSeed other = DrawHashSeed();
  CHECK((drawn.low != other.low || drawn.high != other.high));
  const IndexSet set(100, std::array<std::uint32_t, 2>{3, 70});
  const HashSeed before = ProcessHashSeed();
  const auto hash_all = [&](const HashSeed& seed) {
    ProcessHashSeed() = seed;
    return std::array{HashText("usr/bin"), SeededHash{}(std::int64_t{7}), IndexSet::Hash{}(set)};
  };
  const auto with_drawn = hash_all(drawn);
  const auto with_other = hash_all(other);
  const auto again = hash_all(drawn);
  ProcessHashSeed() = before;
  CHECK(with_drawn == again);
  for (std::size_t i = 0; i < with_drawn.size(); ++i) CHECK(with_drawn[i] != with_other[i]);
}

TEST_CASE("A seeded map of strings is looked up by views", "[solver][seeded_hash]") {
  SeededMap<std::string, int> map;
  map["etc"] = 1;
  CHECK(map.find(std::string_view("etc/passwd").substr(0, 3)) != map.end());
  CHECK_FALSE(map.contains(std::string_view("etc/passwd")));
}

}  // namespace
}  // namespace gneiss
