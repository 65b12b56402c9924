#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "io/registry/http_message.h"

namespace gneiss {
namespace {

std::int64_t RetrySeconds(const std::string& value) {
  const auto found = ParseRetryAfter(value, 1'800'000'000);  // 2027-01-15 08:00 UTC
  return found ? found->count() : -1;
}

TEST_CASE("Retry-After is seconds or a date", "[io][registry]") {
  CHECK(RetrySeconds("0") == 0);
  CHECK(RetrySeconds(" 17 ") == 17);
  CHECK(RetrySeconds("99999999999999999999") == 86400);
  CHECK(RetrySeconds("Fri, 15 Jan 2027 08:00:30 GMT") == 30);
  CHECK(RetrySeconds("Fri, 15 Jan 2027 07:00:00 GMT") == 0);
  CHECK(RetrySeconds("Sun, 15 Jan 2040 07:00:00 GMT") == 86400);
  CHECK(RetrySeconds("") == -1);
  CHECK(RetrySeconds("soon") == -1);
  CHECK(RetrySeconds("-5") == -1);
}

TEST_CASE("Content-Range is a part of a known place", "[io][registry]") {
  const auto range = ParseContentRange("bytes 5-9/10");
  REQUIRE(range);
  CHECK(range->first == 5);
  CHECK(range->last == 9);
  CHECK(range->total == 10);
  CHECK_FALSE(ParseContentRange("Bytes 5-9/*")->total);
  for (const char* const text : {"", "bytes", "bytes 5-/10", "bytes -9/10", "bytes 9-5/10",
                                 "bytes 5-10/10", "bytes 5-9/x", "bytes 5-9", "items 5-9/10",
                                 "bytes */10", "bytes 5-99999999999999999999/*", "bytes 5--9/10"}) {
    INFO(text);
    CHECK_FALSE(ParseContentRange(text));
  }
}

TEST_CASE("Link names the next page", "[io][registry]") {
  CHECK(ParseNextLink("</v2/_catalog?last=b&n=2>; rel=\"next\"") == "/v2/_catalog?last=b&n=2");
  CHECK(ParseNextLink("<a>; rel=prev, <b,c;d>; title=\"x, y\"; rel=\"last NEXT\"") == "b,c;d");
  CHECK(ParseNextLink("<a>;rel=next") == "a");
  CHECK_FALSE(ParseNextLink("<a>; rel=prev"));
  CHECK_FALSE(ParseNextLink("<a>"));
  CHECK_FALSE(ParseNextLink("a; rel=next"));
  CHECK_FALSE(ParseNextLink("<a; rel=next"));
  CHECK_FALSE(ParseNextLink("<a>; rel=\"next"));
  CHECK_FALSE(ParseNextLink(""));
}

TEST_CASE("Challenges have parameters, quoted or not, and there may be several", "[io][registry]") {
  const auto one = ParseChallenges(
      R"(Bearer realm="https://auth.x/token",service="reg \"x\"",scope="repository:a/b:pull,push")");
  REQUIRE(one.size() == 1);
  CHECK(one[0].scheme == "bearer");
  CHECK(one[0].Find("realm") == "https://auth.x/token");
  CHECK(one[0].Find("service") == "reg \"x\"");
  CHECK(one[0].Find("scope") == "repository:a/b:pull,push");
  CHECK(one[0].Find("error").empty());

  const auto many = ParseChallenges(
      R"(Negotiate, NTLM TlRMTVNTUAA=, Basic realm="a, b" , BEARER Realm = x , y=z)");
  REQUIRE(many.size() == 4);
  CHECK(many[0].scheme == "negotiate");
  CHECK(many[1].scheme == "ntlm");
  CHECK(many[1].parameters.empty());
  CHECK(many[2].scheme == "basic");
  CHECK(many[2].Find("realm") == "a, b");
  CHECK(many[3].scheme == "bearer");
  CHECK(many[3].Find("realm") == "x");
  CHECK(many[3].Find("y") == "z");

  CHECK(ParseChallenges("").empty());
  CHECK(ParseChallenges("Basic").size() == 1);
  CHECK(ParseChallenges(R"(Bearer realm="open)").front().parameters.empty());
}

TEST_CASE("Parsers of fields end with whatever they are given", "[io][registry]") {
  std::mt19937 random(11);
  const std::string alphabet = "aB=,;<>\"\\ \t-/*0bytes\xff";
  std::size_t num_challenges = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::size_t length = random() % 30; length > 0; --length) {
      text += alphabet[random() % alphabet.size()];
    }
    num_challenges += ParseChallenges(text).size();
    if (const auto link = ParseNextLink(text)) CHECK(text.find(*link) != std::string::npos);
    if (const auto range = ParseContentRange(text)) CHECK(range->first <= range->last);
    static_cast<void>(ParseRetryAfter(text, 0));
  }
  CHECK(num_challenges > 1000);
}

TEST_CASE("A media type comes without its parameters", "[io][registry]") {
  CHECK(ParseMediaType("Application/JSON; charset=utf-8") == "application/json");
  CHECK(ParseMediaType("") == "");
}

}  // namespace
}  // namespace gneiss
