#include "planner/fleet/platform.h"

#include <string>

#include <catch2/catch.hpp>

#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

TEST_CASE("The default filter matches every platform, known or not", "[planner][platform]") {
  const PlatformFilter filter;
  CHECK(filter.Matches("linux/amd64"));
  CHECK(filter.Matches(""));
  CHECK(filter.text().empty());
}

TEST_CASE("A filter without a variant matches every variant", "[planner][platform]") {
  const PlatformFilter filter("linux/arm");
  CHECK(filter.text() == "linux/arm");
  CHECK(filter.Matches("linux/arm"));
  CHECK(filter.Matches("linux/arm/v6"));
  CHECK(filter.Matches("linux/arm/v7"));
  CHECK_FALSE(filter.Matches("linux/arm64"));
  CHECK_FALSE(filter.Matches("windows/arm"));
  CHECK_FALSE(filter.Matches("linux"));
  CHECK_FALSE(filter.Matches(""));
}

TEST_CASE("A filter with a variant matches that variant only", "[planner][platform]") {
  const PlatformFilter filter("linux/arm/v7");
  CHECK(filter.Matches("linux/arm/v7"));
  CHECK_FALSE(filter.Matches("linux/arm/v6"));
  CHECK_FALSE(filter.Matches("linux/arm"));
}

TEST_CASE("arm64 and arm64/v8 are one platform", "[planner][platform]") {
  CHECK(PlatformFilter("linux/arm64").Matches("linux/arm64/v8"));
  CHECK(PlatformFilter("linux/arm64/v8").Matches("linux/arm64"));
  CHECK(PlatformFilter("linux/arm64/v8").Matches("linux/arm64/v8"));
  CHECK_FALSE(PlatformFilter("linux/arm64/v8").Matches("linux/arm64/v9"));
  CHECK_FALSE(PlatformFilter("linux/arm64/v9").Matches("linux/arm64"));
  CHECK_FALSE(PlatformFilter("linux/arm/v8").Matches("linux/arm"));
}

TEST_CASE("A filter is matched without regard to case", "[planner][platform]") {
  CHECK(PlatformFilter("Linux/AMD64").Matches("linux/amd64"));
  CHECK(PlatformFilter("linux/ARM64/V8").Matches("linux/arm64"));
}

TEST_CASE("A filter of another form is an error that shows it", "[planner][platform]") {
  for (const char* const text : {"", "linux", "linux/", "/amd64", "linux/arm/", "linux/arm/v7/x",
                                 "linux/arm /v7", "linux/amd64,linux/arm64"}) {
    CHECK_THROWS_WITH(PlatformFilter(text),
                      "platform filter: expected OS/ARCH[/VARIANT] such as linux/arm64, found \"" +
                          std::string(text) + "\"");
    CHECK_FALSE(IsPlatform(text));
  }
  CHECK(IsPlatform("linux/amd64"));
  CHECK(IsPlatform("linux/arm64/v8.2-a"));
}

TEST_CASE("Platforms are written in lower case, with what is known", "[planner][platform]") {
  CHECK(FormatPlatform("linux", "amd64", "") == "linux/amd64");
  CHECK(FormatPlatform("Linux", "ARM64", "V8") == "linux/arm64/v8");
  CHECK(FormatPlatform("", "amd64", "").empty());
  CHECK(FormatPlatform("linux", "", "v8").empty());
}

}  // namespace
}  // namespace gneiss
