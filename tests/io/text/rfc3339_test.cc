#include "io/text/rfc3339.h"

#include <cstdint>
#include <ctime>
#include <optional>
#include <random>
#include <string>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/make/rounds.h"

namespace gneiss {
namespace {

std::int64_t SecondsOf(const std::string& text) {
  INFO(text);
  const std::optional<UtcTime> time = ParseRfc3339(text);
  REQUIRE(time.has_value());
  return time->seconds;
}

TEST_CASE("Times of RFC 3339 are points in time", "[io][apply]") {
  CHECK(SecondsOf("1970-01-01T00:00:00Z") == 0);
  CHECK(SecondsOf("1969-12-31T23:59:59Z") == -1);
  CHECK(SecondsOf("2000-02-29T00:00:00Z") == 951'782'400);
  CHECK(SecondsOf("2024-03-01T00:00:00Z") - SecondsOf("2024-02-29T23:59:59Z") == 1);
  CHECK(SecondsOf("2023-03-01T00:00:00Z") - SecondsOf("2023-02-28T23:59:59Z") == 1);
  CHECK(SecondsOf("2024-02-01 00:00:00z") - SecondsOf("2024-01-31t23:59:59z") == 1);
  CHECK(SecondsOf("2024-05-01T00:00:00Z") - SecondsOf("2024-04-30T23:59:59Z") == 1);
  // What Go calls a zero time, and the ends of what four digits reach.
  CHECK(SecondsOf("0001-01-01T00:00:00Z") == -62'135'596'800);
  CHECK(SecondsOf("0000-01-01T00:00:00Z") == -62'167'219'200);
  CHECK(SecondsOf("9999-12-31T23:59:59Z") == 253'402'300'799);
  CHECK(SecondsOf("2016-12-31T23:59:60Z") == SecondsOf("2017-01-01T00:00:00Z"));
}

TEST_CASE("Offsets and fractions count", "[io][apply]") {
  CHECK(SecondsOf("1970-01-01T02:00:00+02:00") == 0);
  CHECK(SecondsOf("1969-12-31T18:15:00-05:45") == 0);
  CHECK(SecondsOf("1970-01-01T00:00:00-00:00") == 0);
  CHECK(SecondsOf("9999-12-31T23:59:59-23:59") == 253'402'300'799 + 86'340);
  CHECK(ParseRfc3339("1970-01-01T00:00:00.5Z") ==
        UtcTime{.seconds = 0, .nanoseconds = 500'000'000});
  CHECK(ParseRfc3339("1970-01-01T01:00:00.000000001+01:00") ==
        UtcTime{.seconds = 0, .nanoseconds = 1});
  CHECK(ParseRfc3339("1970-01-01T00:00:00.12345678987654321Z") ==
        UtcTime{.seconds = 0, .nanoseconds = 123'456'789});
  CHECK(ParseRfc3339("1969-12-31T23:59:59.25Z") ==
        UtcTime{.seconds = -1, .nanoseconds = 250'000'000});
  CHECK(ParseRfc3339("1969-12-31T23:59:59.25Z") < ParseRfc3339("1969-12-31T23:59:59.5Z"));
  CHECK(ParseRfc3339("1969-12-31T23:59:59.9Z") < ParseRfc3339("1970-01-01T00:00:00Z"));
}

TEST_CASE("What is no time of RFC 3339 is refused", "[io][apply]") {
  for (const char* const text : {"",
                                 "yesterday",
                                 "2024",
                                 "2024-01-01",
                                 "2024-01-01T00:00Z",
                                 "2024-01-01T00:00:00",
                                 "2024-02-30T00:00:00Z",
                                 "2023-02-29T00:00:00Z",
                                 "1900-02-29T00:00:00Z",
                                 "2024-04-31T00:00:00Z",
                                 "2024-00-01T00:00:00Z",
                                 "2024-13-01T00:00:00Z",
                                 "2024-01-00T00:00:00Z",
                                 "2024-01-32T00:00:00Z",
                                 "2024-01-01T24:00:00Z",
                                 "2024-01-01T00:60:00Z",
                                 "2024-01-01T00:00:61Z",
                                 "2024-01-01T00:00:00.Z",
                                 "2024-01-01T00:00:00,5Z",
                                 "2024-01-01T00:00:00.5",
                                 "2024-01-01T00:00:00Z ",
                                 " 2024-01-01T00:00:00Z",
                                 "2024-01-01T00:00:00ZZ",
                                 "2024-01-01T00:00:00+2:00",
                                 "2024-01-01T00:00:00+0200",
                                 "2024-01-01T00:00:00+02",
                                 "2024-01-01T00:00:00+24:00",
                                 "2024-01-01T00:00:00+00:60",
                                 "2024/01/01T00:00:00Z",
                                 "2024-01-01X00:00:00Z",
                                 "-024-01-01T00:00:00Z",
                                 "+024-01-01T00:00:00Z",
                                 "12024-01-01T00:00:00Z",
                                 "2024-1-01T00:00:00Z",
                                 "2024-01-01T-1:00:00Z",
                                 "20 4-01-01T00:00:00Z"}) {
    INFO(text);
    CHECK_FALSE(ParseRfc3339(text).has_value());
  }
  CHECK_FALSE(ParseRfc3339(std::string("2024-01-01T00:00:00Z\0", 21)).has_value());
}

TEST_CASE("Any second is read as the C library writes it", "[io][apply]") {
  std::mt19937_64 random(3);
  std::uniform_int_distribution<std::int64_t> any(-62'167'219'200, 253'402'300'799);
  for (int round = 0; round < NumRounds(2000); ++round) {
    const std::time_t seconds = any(random);
    std::tm parts{};
    REQUIRE(gmtime_r(&seconds, &parts) != nullptr);
    const std::string text =
        fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                    parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    CHECK(SecondsOf(text) == seconds);
    // A part of a time is none.
    CHECK_FALSE(ParseRfc3339(text.substr(0, random() % text.size())).has_value());
  }
}

}  // namespace
}  // namespace gneiss
