// What the client makes of a registry's answers: lists, manifests, errors, retries.
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"
#include "tests/make/registry_run.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kTestManifest = R"({"schemaVersion":2,"layers":[]})";
const std::string kTestManifestDigest = FormatDigest(Sha256(kTestManifest));
const std::string kOtherDigest = FormatDigest(Sha256("else"));
const std::string kManifestType = "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n";

// A client and the server that it asks.
struct Scripted {
  explicit Scripted(HttpServer::Handler handler, milliseconds step = milliseconds(0))
      : clock(step), options(OptionsFor(clock)), server(std::move(handler)) {}

  RegistryClient& client() {
    if (!made) made = std::make_unique<RegistryClient>(server.host(), options);
    return *made;
  }
  std::string ManifestError() {
    return ErrorOf(server, [&] { static_cast<void>(client().GetManifest("app", "1")); });
  }

  FakeClock clock;
  RegistryOptions options;
  HttpServer server;
  std::unique_ptr<RegistryClient> made;
};

// Answers all requests the same.
HttpServer::Handler Always(int status, const std::string& header_lines, const std::string& body) {
  return [=](const ServerRequest&, ServerConnection& connection) {
    connection.Answer(status, header_lines, body);
  };
}

TEST_CASE("Manifests are verified by digest, and tags against what the registry claims",
          "[io][registry]") {
  Scripted run([&](const ServerRequest& request, ServerConnection& connection) {
    if (request.target == "/v2/team/app/manifests/1") {
      connection.Answer(200,
                        kManifestType + "Docker-Content-Digest: " + kTestManifestDigest + "\r\n",
                        kTestManifest);
    } else if (request.target == "/v2/team/app/manifests/quiet") {
      connection.Answer(200, "Content-Type: Application/JSON; charset=utf-8\r\n", kTestManifest);
    } else if (request.target == "/v2/team/app/manifests/liar") {
      connection.Answer(200, "Docker-Content-Digest: " + kOtherDigest + "\r\n", kTestManifest);
    } else if (request.target == "/v2/team/app/manifests/odd") {
      connection.Answer(200, "Docker-Content-Digest: ../../x\r\n", kTestManifest);
    } else if (request.target.starts_with("/v2/team/app/manifests/sha256:")) {
      connection.Answer(200, kManifestType, kTestManifest);
    } else {
      connection.Answer(404, "", R"({"errors":[{"code":"MANIFEST_UNKNOWN"}]})");
    }
  });
  const auto by_tag = run.client().GetManifest("team/app", "1");
  REQUIRE(by_tag);
  CHECK(by_tag->text == kTestManifest);
  CHECK(by_tag->digest_text == kTestManifestDigest);
  CHECK(by_tag->media_type == "application/vnd.oci.image.manifest.v1+json");
  CHECK(run.client().GetManifest("team/app", "quiet")->digest_text == kTestManifestDigest);
  CHECK(run.client().GetManifest("team/app", "quiet")->media_type == "application/json");
  CHECK(run.client().GetManifest("team/app", kTestManifestDigest)->text == kTestManifest);
  CHECK_FALSE(run.client().GetManifest("team/app", "absent"));

  const auto error_of = [&](const std::string& reference) {
    return ErrorOf(run.server,
                   [&] { static_cast<void>(run.client().GetManifest("team/app", reference)); });
  };
  CHECK(error_of("liar") == "http://HOST/v2/team/app/manifests/liar: expected content of " +
                                kOtherDigest + ", as its Docker-Content-Digest says, found " +
                                kTestManifestDigest);
  CHECK(error_of(kOtherDigest) == "http://HOST/v2/team/app/manifests/" + kOtherDigest +
                                      ": expected content of " + kOtherDigest +
                                      ", as was asked for, found " + kTestManifestDigest);
  CHECK(error_of("odd").find("expected a digest as Docker-Content-Digest, found \"../../x\"") !=
        std::string::npos);

  const std::string accept = run.server.requests().front().header("accept");
  CHECK(accept.find("application/vnd.oci.image.index.v1+json") == 0);
  CHECK(accept.find("manifest.v1+prettyjws") > accept.find("manifest.list.v2+json"));
  CHECK(run.server.requests().front().header("user-agent").starts_with("gneiss/"));
  CHECK(run.server.requests().front().header("accept-encoding").empty());
  CHECK(run.server.requests().front().header("authorization").empty());
  CHECK(run.server.num_connections() == 1);
  CHECK(run.client().counts().of(RequestKind::kManifest) == 8);
  CHECK(run.client().counts().total() == 8);
}

TEST_CASE("Heads of manifests say what the registry says", "[io][registry]") {
  Scripted run([&](const ServerRequest& request, ServerConnection& connection) {
    if (request.target.ends_with("/1")) {
      connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n" + kManifestType +
                      "Docker-Content-Digest: " + kTestManifestDigest + "\r\n\r\n");
    } else if (request.target.ends_with("/2")) {
      connection.Send("HTTP/1.1 200 OK\r\n\r\n");
      connection.Close();
    } else {
      connection.Send("HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n");
    }
  });
  const auto head = run.client().HeadManifest("app", "1");
  REQUIRE(head);
  CHECK(head->digest_text == kTestManifestDigest);
  CHECK(head->size == 1234);
  CHECK(head->media_type == "application/vnd.oci.image.manifest.v1+json");
  CHECK_FALSE(run.client().HeadManifest("app", "3"));
  const auto quiet = run.client().HeadManifest("app", "2");
  REQUIRE(quiet);
  CHECK(quiet->digest_text.empty());
  CHECK(quiet->size == kUnknownSize);
  CHECK(run.server.requests().front().method == "HEAD");
  CHECK(run.client().counts().of(RequestKind::kManifestHead) == 3);
}

TEST_CASE("Lists are read page by page, relative and absolute", "[io][registry]") {
  const HttpServer* server = nullptr;
  Scripted run([&](const ServerRequest& request, ServerConnection& connection) {
    if (request.target == "/v2/_catalog?n=1000") {
      connection.Answer(200, "Link: </v2/_catalog?last=b&n=2>; rel=\"next\"\r\n",
                        R"({"repositories":["a","b"]})");
    } else if (request.target == "/v2/_catalog?last=b&n=2") {
      connection.Answer(200, "Link: <" + server->url("/v2/_catalog?last=d") + ">; rel=\"next\"\r\n",
                        R"({"repositories":["b","c","../../etc","d"]})");
    } else if (request.target == "/v2/_catalog?last=d") {
      connection.Answer(200, "", R"({"repositories":["e/f","A"]})");
    } else if (request.target == "/v2/a/tags/list?n=1000") {
      connection.Answer(200, "", R"({"name":"a","tags":["2","1","latest","a b"]})");
    } else if (request.target == "/v2/b/tags/list?n=1000") {
      connection.Answer(200, "", R"({"name":"b","tags":null})");
    } else {
      connection.Answer(404, "", R"({"errors":[{"code":"NAME_UNKNOWN"}]})");
    }
  });
  server = &run.server;
  const NameList repositories = run.client().ListRepositories();
  CHECK(repositories.names == std::vector<std::string>{"a", "b", "c", "d", "e/f"});
  CHECK(repositories.num_refused == 2);
  CHECK(repositories.first_refused == "../../etc");
  CHECK(run.client().ListTags("a")->names == std::vector<std::string>{"1", "2", "latest"});
  CHECK(run.client().ListTags("a")->first_refused == "a b");
  CHECK(run.client().ListTags("b")->names.empty());
  CHECK_FALSE(run.client().ListTags("c"));
  CHECK(run.client().counts().of(RequestKind::kCatalogue) == 3);
  CHECK(run.client().counts().of(RequestKind::kTags) == 4);
}

TEST_CASE("Lists without an end and pages of another host are errors", "[io][registry]") {
  const auto list_error = [](Scripted& run) {
    return ErrorOf(run.server, [&] { static_cast<void>(run.client().ListRepositories()); });
  };
  Scripted loop([](const ServerRequest& request, ServerConnection& connection) {
    const bool is_b = request.target.ends_with("=b");
    connection.Answer(
        200, std::string("Link: </v2/_catalog?last=") + (is_b ? "c" : "b") + ">; rel=next\r\n",
        R"({"repositories":["x"]})");
  });
  CHECK(list_error(loop) ==
        "http://HOST/v2/_catalog: expected a list of repositories of an end, but its Link leads to "
        "a page that was read before; the list has no end");
  CHECK(loop.server.requests().size() == 3);

  std::atomic<int> page = 0;
  Scripted endless([&](const ServerRequest&, ServerConnection& connection) {
    connection.Answer(200, "Link: </v2/_catalog?p=" + std::to_string(++page) + ">; rel=next\r\n",
                      R"({"repositories":[]})");
  });
  endless.options.max_pages = 7;
  CHECK(list_error(endless).ends_with("but it has more than 7 pages"));
  CHECK(page == 7);

  Scripted many(Always(200, "", R"({"repositories":["a","b","c","d"]})"));
  many.options.max_names = 3;
  CHECK(list_error(many).ends_with("but it has more than 3 names"));

  Scripted elsewhere(Always(200, "Link: <http://other.x/v2/_catalog?token=s>; rel=next\r\n",
                            R"({"repositories":["a"]})"));
  CHECK(list_error(elsewhere).ends_with(
      "but its Link leads to another host, http://other.x/v2/_catalog"));

  Scripted nowhere(
      Always(200, "Link: <ftp://other.x/>; rel=next\r\n", R"({"repositories":["a"]})"));
  CHECK(list_error(nowhere).ends_with(
      "but its Link leads to what is no http or https URL, \"ftp://other.x/\""));

  Scripted none(Always(404, "", ""));
  CHECK(list_error(none) ==
        "http://HOST/v2/_catalog: expected a list of repositories, found status 404; this registry "
        "does not list them, name them one by one");
  for (const char* const body : {"", "null", "[]", "{}", R"({"repositories":{}})",
                                 R"({"repositories":[1]})", R"({"repositories":["a"])"}) {
    INFO(body);
    Scripted odd(Always(200, "Content-Type: application/json\r\n", body));
    CHECK(list_error(odd) ==
          "http://HOST/v2/_catalog: expected a list of repositories, found something else of type "
          "\"application/json\"");
  }
}

TEST_CASE("Statuses are said with the registry's own words and advice", "[io][registry]") {
  const auto error_of = [](int status, const std::string& headers, const std::string& body) {
    Scripted run(Always(status, headers, body));
    return run.ManifestError();
  };
  CHECK(error_of(403, "", R"({"errors":[{"code":"DENIED","message":"no\u001b[31m\nway"}]})") ==
        "http://HOST/v2/app/manifests/1: expected a manifest, found status 403 Forbidden "
        "(\"DENIED: no\\x1b[31m\\x0away\"); it was asked without credentials, give others with "
        "--creds or skopeo login");
  CHECK(error_of(401, "", "") ==
        "http://HOST/v2/app/manifests/1: expected a manifest, found status 401 Unauthorized; it "
        "was asked without credentials, give others with --creds or skopeo login");
  CHECK(error_of(418, "", "<html>") ==
        "http://HOST/v2/app/manifests/1: expected a manifest, found status 418 and a web page; is "
        "it a registry?");
  CHECK(error_of(200, "Content-Type: text/html\r\n", "<!doctype html><title>Log in</title>") ==
        "http://HOST/v2/app/manifests/1: expected a manifest, found a web page; is it a registry, "
        "or a login page before it?");
  CHECK(error_of(429, "Retry-After: 9999\r\n", "") ==
        "http://HOST/v2/app/manifests/1: expected a manifest, found status 429 Too Many Requests; "
        "try again later, it says after \"9999\", with fewer --jobs or with credentials");
  CHECK(error_of(200, "", std::string((std::size_t{4} << 20) + 1, '{')) ==
        "http://HOST/v2/app/manifests/1: expected a manifest, found no answer to use: the answer "
        "has more than 4194304 bytes");
  const std::string long_words =
      error_of(400, "", R"({"errors":[{"message":")" + std::string(10'000, 'x') + R"("}]})");
  CHECK(long_words.size() < 300);
}

TEST_CASE("Passing statuses are tried again, as patiently as the server wants", "[io][registry]") {
  for (const int status : {429, 500, 502, 503, 504}) {
    std::atomic<int> count = 0;
    Scripted run([&](const ServerRequest&, ServerConnection& connection) {
      ++count < 3 ? connection.Answer(status, "", "busy")
                  : connection.Answer(200, "", kTestManifest);
    });
    CHECK(run.client().GetManifest("app", "1"));
    CHECK(count == 3);
    const auto waits = run.clock.waits();
    REQUIRE(waits.size() == 2);
    CHECK(waits[0] <= milliseconds(500));
    CHECK(waits[1] <= milliseconds(1000));
    CHECK(run.client().counts().retries == 2);
  }
  const auto wait_after = [](const std::string& retry_after) {
    std::atomic<int> count = 0;
    Scripted run([&](const ServerRequest&, ServerConnection& connection) {
      ++count < 2 ? connection.Answer(429, "Retry-After: " + retry_after + "\r\n", "")
                  : connection.Answer(200, "", kTestManifest);
    });
    CHECK(run.client().GetManifest("app", "1"));
    REQUIRE(run.clock.waits().size() == 1);
    return run.clock.waits().front();
  };
  for (const char* const after : {"30", "Fri, 15 Jan 2027 08:00:30 GMT"}) {
    CHECK(wait_after(after) >= seconds(30));
    CHECK(wait_after(after) <= milliseconds(30'500));
  }
  CHECK(wait_after("soon") <= milliseconds(500));

  Scripted forever(Always(500, "", R"({"errors":[{"code":"UNKNOWN","message":"disk"}]})"));
  CHECK(forever.ManifestError() ==
        "http://HOST/v2/app/manifests/1: expected a manifest, found status 500 Internal Server "
        "Error (\"UNKNOWN: disk\"); it is the server's fault, try again later");
  CHECK(forever.server.requests().size() == 4);
  Scripted not_passing(Always(501, "", ""));
  CHECK(not_passing.ManifestError() != "none");
  CHECK(not_passing.server.requests().size() == 1);
}

TEST_CASE("Connections that are cut, refused or silent are tried again", "[io][registry]") {
  std::atomic<int> count = 0;
  Scripted cut([&](const ServerRequest&, ServerConnection& connection) {
    switch (++count) {
      case 1:
        return connection.Close();
      case 2:
        connection.Send("HTTP/1.1 200 OK\r\nContent-");
        return connection.Close();
      case 3:
        connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
        return connection.Close();
      default:
        return connection.Answer(200, "", kTestManifest);
    }
  });
  CHECK(cut.client().GetManifest("app", "1")->text == kTestManifest);
  CHECK(cut.client().counts().retries == 3);

  std::string gone;
  { gone = HttpServer(Always(200, "", "")).host(); }
  FakeClock clock;
  RegistryClient refused(gone, OptionsFor(clock));
  CHECK_THROWS_WITH(
      refused.GetManifest("app", "1"),
      "http://" + gone +
          "/v2/app/manifests/1: expected a manifest, found no answer to use: Couldn't "
          "connect to server; is it running, is the port right?");
  CHECK(refused.counts().of(RequestKind::kManifest) == 4);

  Scripted silent(
      [](const ServerRequest&, ServerConnection& connection) { connection.AwaitClose(); },
      seconds(5));
  silent.options.retry.retries = 1;
  silent.options.http.connect_timeout = seconds(10);
  silent.options.http.stall_timeout = seconds(10);
  CHECK(silent.ManifestError() ==
        "http://HOST/v2/app/manifests/1: expected a manifest, found no answer to use: no byte came "
        "for 10 s; try again later, or look at the network and its proxy");
  CHECK(silent.server.requests().size() == 2);

  RegistryClient unknown("no-such-host.invalid", OptionsFor(clock));
  CHECK_THROWS_WITH(
      unknown.GetManifest("app", "1"),
      Catch::StartsWith(
          "http://no-such-host.invalid/v2/app/manifests/1: expected a manifest, found "
          "no answer to use: ") &&
          Catch::EndsWith("; look at the host's name"));
}

TEST_CASE("An answer that trickles for ever is given up", "[io][registry]") {
  FakeClock clock;
  RegistryOptions options = OptionsFor(clock);
  options.retry.retries = 0;
  const HttpServer server([&](const ServerRequest&, ServerConnection& connection) {
    connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (!connection.is_closed()) {
      clock.Advance(seconds(20));  // less than a stall
      connection.Send("{");
    }
  });
  RegistryClient client(server.host(), options);
  CHECK(ErrorOf(server, [&] { static_cast<void>(client.GetManifest("app", "1")); }) ==
        "http://HOST/v2/app/manifests/1: expected a manifest, found no answer to use: the answer "
        "takes too long; try again later, or look at the network and its proxy");
}

TEST_CASE("Nobody waits for an answer that is moot", "[io][registry]") {
  std::atomic<bool> is_moot = false;
  FakeClock clock;
  RegistryOptions options = OptionsFor(clock);
  options.http.is_moot = [&] { return is_moot.load(); };
  const HttpServer server([&](const ServerRequest&, ServerConnection& connection) {
    is_moot = true;
    connection.AwaitClose();
  });
  RegistryClient client(server.host(), options);
  CHECK_THROWS_AS(client.GetManifest("app", "1"), RequestAbandoned);
  CHECK(server.requests().size() == 1);

  is_moot = false;
  const HttpServer busy([&](const ServerRequest&, ServerConnection& connection) {
    connection.Answer(503, "Retry-After: 60\r\n", "");
    is_moot = true;
  });
  RegistryClient waiting(busy.host(), options);
  CHECK_THROWS_AS(waiting.GetManifest("app", "1"), RequestAbandoned);
}

TEST_CASE("Heads of a megabyte and answers in chunks", "[io][registry]") {
  Scripted one_line(Always(200, "X: " + std::string(std::size_t{1} << 20, 'x') + "\r\n", "{}"));
  CHECK(one_line.ManifestError() ==
        "http://HOST/v2/app/manifests/1: expected a manifest, found no answer to use: the "
        "header of the answer is too large");
  std::string lines;
  while (lines.size() < std::size_t{1} << 20) lines += "X: " + std::string(1000, 'x') + "\r\n";
  Scripted many_lines(Always(200, lines, "{}"));
  CHECK(many_lines.ManifestError() == one_line.ManifestError());

  Scripted chunked([](const ServerRequest&, ServerConnection& connection) {
    connection.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const char c : kTestManifest) connection.Send("1\r\n" + std::string(1, c) + "\r\n");
    connection.Send("0\r\nX-Trailer: y\r\n\r\n");
  });
  CHECK(chunked.client().GetManifest("app", "1")->text == kTestManifest);
  Scripted not_http([](const ServerRequest&, ServerConnection& connection) {
    connection.Send("220 smtp.x ready\r\n");
    connection.Close();
  });
  CHECK(not_http.ManifestError().starts_with(
      "http://HOST/v2/app/manifests/1: expected a manifest, found no answer to use: "));
}

TEST_CASE("Ping knows a registry", "[io][registry]") {
  Scripted fine(Always(200, "Docker-Distribution-API-Version: registry/2.0\r\n", "{}"));
  fine.client().Ping();
  CHECK(fine.server.requests().front().target == "/v2/");
  Scripted other(Always(404, "Content-Type: text/html\r\n", "<h1>Not here</h1>"));
  CHECK(ErrorOf(other.server, [&] { other.client().Ping(); }) ==
        "http://HOST/v2/: expected a registry, found status 404 Not Found and a web page; look at "
        "the name, and whether it is there for others");
}

TEST_CASE("Small blobs are verified whole", "[io][registry]") {
  const std::string config = R"({"os":"linux"})";
  const std::string digest = FormatDigest(Sha256(config));
  Scripted run([&](const ServerRequest& request, ServerConnection& connection) {
    if (request.target == "/v2/app/blobs/" + digest) return connection.Answer(200, "", config);
    if (request.target == "/v2/app/blobs/" + kOtherDigest)
      return connection.Answer(200, "", config);
    connection.Answer(404, "", "");
  });
  const auto size = static_cast<Bytes>(config.size());
  CHECK(run.client().GetBlob("app", digest, size, 100) == config);
  CHECK_FALSE(run.client().GetBlob("app", kTestManifestDigest, size, 100));
  const auto error_of = [&](const std::string& name, Bytes claimed, std::size_t limit) {
    return ErrorOf(run.server,
                   [&] { static_cast<void>(run.client().GetBlob("app", name, claimed, limit)); });
  };
  CHECK(error_of(kOtherDigest, size, 100) == "http://HOST/v2/app/blobs/" + kOtherDigest +
                                                 ": expected content of " + kOtherDigest +
                                                 ", as the descriptor says, found " + digest);
  CHECK(error_of(digest, size + 1, 100)
            .ends_with("expected 15 bytes, as the descriptor says, found "
                       "14"));
  CHECK(error_of(digest, size, 10)
            .ends_with("expected at most 10 bytes, found 14 in its descriptor"));
  CHECK(error_of(digest, 9, 10).ends_with("the answer has more than 10 bytes"));
}

TEST_CASE("Threads share a client and keep their connections", "[io][registry]") {
  constexpr int kThreads = 4;
  constexpr int kRequests = 25;
  Scripted run([](const ServerRequest& request, ServerConnection& connection) {
    connection.Answer(200, "", R"({"name":")" + request.target + R"("})");
  });
  run.client();
  std::atomic<int> num_right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRequests; ++i) {
        const std::string tag = std::to_string(t) + "-" + std::to_string(i);
        const auto manifest = run.client().GetManifest("app", tag);
        if (manifest->text.find("/manifests/" + tag + "\"") != std::string::npos) ++num_right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(num_right == kThreads * kRequests);
  CHECK(run.client().counts().of(RequestKind::kManifest) == kThreads * kRequests);
  CHECK(run.server.num_connections() <= kThreads);
}

}  // namespace
}  // namespace gneiss
