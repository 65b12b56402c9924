#include "io/registry/registry_reference.h"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "io/registry/http_message.h"
#include "io/source/names.h"
#include "io/source/source.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

const std::string kSomeDigest = "sha256:" + std::string(64, 'a');

std::string ReferenceError(const std::string& text) {
  try {
    static_cast<void>(ParseRegistryReference(text));
  } catch (const InputError& error) {
    return error.what();
  }
  return "none";
}

TEST_CASE("References have the familiar names", "[io][registry]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"nginx", "docker.io/library/nginx"},
      {"nginx:1.25", "docker.io/library/nginx:1.25"},
      {"team/app", "docker.io/team/app"},
      {"docker.io/nginx", "docker.io/library/nginx"},
      {"index.docker.io/team/app:x", "docker.io/team/app:x"},
      {"localhost/x", "localhost/x"},
      {"localhost:5000/x:1", "localhost:5000/x:1"},
      {"host:5000/x", "host:5000/x"},
      {"host.name/a/b/c", "host.name/a/b/c"},
      {"[::1]:5000/x", "[::1]:5000/x"},
      {"[::1]/x:y", "[::1]/x:y"},
      {"quay.io/a__b/c-d--e.f_g@" + kSomeDigest, "quay.io/a__b/c-d--e.f_g@" + kSomeDigest},
      {"h.x/r:" + std::string(128, 'T'), "h.x/r:" + std::string(128, 'T')},
  };
  for (const auto& [text, canonical] : cases) {
    CHECK(ParseRegistryReference(text).text() == canonical);
    CHECK(ParseRegistryReference(canonical).text() == canonical);
  }
  CHECK(ApiHost("docker.io") == "registry-1.docker.io");
  CHECK(ApiHost("quay.io:443") == "quay.io:443");
}

TEST_CASE("References out of the grammar are refused", "[io][registry]") {
  CHECK(ReferenceError("Nginx") ==
        "\"Nginx\": expected a repository, lower-case letters and digits with '.', '_', '-' or '/' "
        "between them and at most 255 bytes, found \"library/Nginx\"");
  CHECK(ReferenceError("h.x/r:.a") ==
        "\"h.x/r:.a\": expected a tag, letters, digits, '_', '.' and '-' and at most 128 bytes, "
        "after ':', found \".a\"");
  CHECK(ReferenceError("h.x/r@sha256:12") ==
        "\"h.x/r@sha256:12\": expected a digest, as sha256: and 64 hexadecimal digits in lower "
        "case, after '@', found \"sha256:12\"");
  CHECK(ReferenceError("h.x/r:1@" + kSomeDigest).find("found both; leave one of them out") !=
        std::string::npos);
  CHECK(ReferenceError("h.x:99999/r") ==
        "\"h.x:99999/r\": expected HOST or HOST:PORT, found \"h.x:99999\"");
  for (const char* const text :
       {"",          "/",      "h.x/",   "h.x//a",  "h.x/a/",    "h.x/../a",    "h.x/a..b",
        "h.x/a___b", "h.x/-a", "h.x/a-", "h.x/a b", "h.x/a\n",   "h.x/a?n=1",   "h.x/a#b",
        "h.x/a%2e",  "-h.x/a", "h..x/a", "h.x:/a",  "h.x:0/a",   "u@h.x/a",     "u:p@h.x/a",
        "h.x/a:",    "h.x/a@", "[::1/a", "[g]:1/a", "h.x:1:2/a", "h.x/\xc3\xa9"}) {
    INFO(text);
    CHECK(ReferenceError(text) != "none");
  }
}

TEST_CASE("A password in a reference is not shown", "[io][registry]") {
  const std::string advice =
      "expected a host, found something before '@' that may be a password; log in with "
      "`docker login HOST`, or give a file of credentials with --authfile";
  CHECK(ReferenceError("user:pw@h.x/r") == "\"***@h.x/r\": " + advice);
  CHECK(ReferenceError("user:p/w@h.x:5000/r:1") == "\"***@h.x:5000/r:1\": " + advice);
  CHECK(ReferenceError("user:p/w@host") == "\"***@host\": " + advice);
  CHECK(ReferenceError("token@h.x/r@" + kSomeDigest) ==
        "\"***@h.x/r@" + kSomeDigest.substr(0, 80 - 10) + "\"...: " + advice);
  for (const char* const text :
       {"user:hunter2@h.x", "user:hunter2@", "https://user:hunter2@h.x/r", "user:hunter2@h x/r",
        "us@er:hunter2@h.x/r", "user:hunter2@h.x/r@sha256:12", "a/user:hunter2@h.x/r"}) {
    INFO(text);
    CHECK(ReferenceError(text).find("hunter2") == std::string::npos);
    CHECK(ShownSource(std::string("docker://") + text).find("hunter2") == std::string::npos);
  }
  CHECK(ShownSource("docker://user:pw@h.x/r:1") == "docker://***@h.x/r:1");
  CHECK(ShownSource("oci:dir:app") == "oci:dir:app");
  CHECK(ShownSource("docker://h.x/r@" + kSomeDigest) == "docker://h.x/r@" + kSomeDigest);
}

TEST_CASE("A registry's place has a host and perhaps a prefix", "[io][registry]") {
  CHECK(ParseRegistryPlace("h:5000").host == "h:5000");
  CHECK(ParseRegistryPlace("h:5000").prefix.empty());
  CHECK(ParseRegistryPlace("h.x/team/").prefix == "team");
  CHECK(ParseRegistryPlace("index.docker.io/a/b").host == "docker.io");
  for (const char* const text : {"", "/a", "h.x/A", "h.x//", "https://h.x", "h x"}) {
    INFO(text);
    if (std::string(text) == "h.x//") {
      CHECK(ParseRegistryPlace(text).prefix.empty());
    } else {
      CHECK_THROWS_AS(ParseRegistryPlace(text), InputError);
    }
  }
  CHECK(IsRepositoryBelow("team/app", "team"));
  CHECK(IsRepositoryBelow("team", "team"));
  CHECK(IsRepositoryBelow("x", ""));
  CHECK_FALSE(IsRepositoryBelow("teams/app", "team"));
}

TEST_CASE("What the grammar accepts stays one path below its host", "[io][registry]") {
  std::mt19937 random(7);
  const std::string alphabet = "ab0._-/:@%?#A\\ ";
  int num_accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::size_t length = random() % 8; length > 0; --length) {
      text += alphabet[random() % alphabet.size()];
    }
    if (!IsRepositoryName(text)) continue;
    ++num_accepted;
    const auto url = HttpUrl::Parse("https://h.x/v2/" + text + "/tags/list");
    REQUIRE(url);
    CHECK(url->text() == "https://h.x/v2/" + text + "/tags/list");
  }
  CHECK(num_accepted > 100);
}

TEST_CASE("URLs know their origin and whether they leave the machine", "[io][registry]") {
  const auto url = [](const std::string& text) { return HttpUrl::Parse(text).value(); };
  CHECK(url("https://H.x/a?q=secret#f").Shown() == "https://h.x/a");
  CHECK(url("https://h.x:443/a").HasOriginOf(url("https://h.x/b")));
  CHECK_FALSE(url("https://h.x/a").HasOriginOf(url("http://h.x/a")));
  CHECK_FALSE(url("https://h.x/a").HasOriginOf(url("https://h.x:444/a")));
  CHECK_FALSE(url("https://h.x/a").HasOriginOf(url("https://h.x.y/a")));
  for (const char* const text : {"http://localhost/", "http://127.0.0.1:5000/", "http://127.9.9.9/",
                                 "https://[::1]:5000/", "http://LOCALHOST/"}) {
    INFO(text);
    CHECK(url(text).IsLoopback());
  }
  for (const char* const text : {"http://127.0.0.1.evil.com/", "http://localhost.evil.com/",
                                 "http://10.0.0.1/", "http://127evil/", "http://[::2]/"}) {
    INFO(text);
    CHECK_FALSE(url(text).IsLoopback());
  }
  for (const char* const text : {"", "h.x", "ftp://h.x/", "file:///etc/passwd", "https://u:p@h.x/",
                                 "https://u@h.x/", "https://h.x/a b", "https://h.x/\r\nX: y"}) {
    INFO(text);
    CHECK_FALSE(HttpUrl::Parse(text));
  }
  CHECK(url("https://h.x/v2/_catalog").Resolve("/v2/_catalog?n=1&last=a")->text() ==
        "https://h.x/v2/_catalog?n=1&last=a");
  CHECK(url("https://h.x/a/b").Resolve("c?d")->text() == "https://h.x/a/c?d");
  CHECK(url("https://h.x/a").Resolve("//other/c")->host() == "other");
  CHECK_FALSE(url("https://h.x/a").Resolve("https://u:p@h.x/"));
  CHECK_FALSE(url("https://h.x/a").Resolve("file:///etc/passwd"));
  CHECK(url("https://h.x/t?a=b").WithQuery("scope", "repository:a/b:pull").text() ==
        "https://h.x/t?a=b&scope=repository%3aa%2fb%3apull");
  CHECK(url("https://h.x/t").WithQuery("service", "a b&c=d").text() ==
        "https://h.x/t?service=a+b%26c%3dd");
  CHECK(url("https://h.x/t?").WithQuery("n", "1").WithQuery("m", "~\xff").text() ==
        "https://h.x/t?n=1&m=~%ff");
  // A registry says how long a service and its scopes are.
  const std::string longest(100'000, 'a');
  CHECK(url("https://h.x/t").WithQuery("service", longest).WithQuery("n", "1").text() ==
        "https://h.x/t?service=" + longest + "&n=1");
}

}  // namespace
}  // namespace gneiss
