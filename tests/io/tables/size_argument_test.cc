#include <catch2/catch.hpp>

#include "io/tables/policy_file.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

TEST_CASE("A size is a number with a unit of 1000 or of 1024", "[io][size_argument]") {
  CHECK(ParseSize("0") == 0);
  CHECK(ParseSize("4096") == 4096);
  CHECK(ParseSize("4096B") == 4096);
  CHECK(ParseSize("1kB") == 1000);
  CHECK(ParseSize("1MB") == 1'000'000);
  CHECK(ParseSize("256KiB") == 262'144);
  CHECK(ParseSize("256 kib") == 262'144);
  CHECK(ParseSize("1.5GB") == 1'500'000'000);
  CHECK(ParseSize(".5KiB") == 512);
  CHECK(ParseSize("2TiB") == Bytes{2} << 40);
  CHECK(ParseSize("9223372036854775807") == 9223372036854775807);
}

TEST_CASE("What is no size says what one looks like", "[io][size_argument]") {
  for (const char* const text :
       {"", "MB", "-1", "1XB", "1.2.3MB", ".", "1e6", "0x10", "1 MB ", "1  MB", "1MBB", "nan"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH(ParseSize(text), "expected a size such as 4096, 256KiB or 1.5GB, found \"" +
                                           std::string(text) + "\"");
  }
}

TEST_CASE("A unit that could mean either is refused", "[io][size_argument]") {
  CHECK_THROWS_WITH(ParseSize("64K"),
                    "expected a unit of 1000 (kB, MB, GB, TB) or of 1024 (KiB, MiB, GiB, TiB), "
                    "found \"64K\"");
}

TEST_CASE("A size past int64 is refused", "[io][size_argument]") {
  for (const char* const text :
       {"9223372036854775808", "9300000TB", "9223372036854775807.9PiB", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH(ParseSize(text),
                      "expected a size below 8 EiB, found \"" + std::string(text) + "\"");
  }
}

TEST_CASE("A wrong size is quoted without its escape sequences", "[io][size_argument]") {
  CHECK_THROWS_WITH(ParseSize("1\x1b[2J"), Catch::Contains("found \"1\\x1b[2J\""));
}

}  // namespace
}  // namespace gneiss
