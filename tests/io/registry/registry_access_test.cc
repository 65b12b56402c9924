// Who is let in, and who is told what: challenges, tokens, redirects, TLS. No secret goes where it
// is not for, and none into a message.
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/fleet/digest.h"
#include "tests/make/registry_run.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

using std::chrono::seconds;

const std::string kAnyManifest = R"({"schemaVersion":2,"layers":[]})";
const std::string kUserHeader = "Basic dXNlcjpoaWRkZW4=";  // user:hidden

RegistryOptions WithUser(FakeClock& clock) {
  RegistryOptions options = OptionsFor(clock);
  options.credentials = {.creds = "user:hidden"};
  return options;
}

std::string GetError(const HttpServer& server, RegistryClient& client) {
  const std::string error =
      ErrorOf(server, [&] { static_cast<void>(client.GetManifest("team/app", "1")); });
  CHECK(error.find("hidden") == std::string::npos);
  CHECK(error.find("dXNlcjpoaWRkZW4") == std::string::npos);
  return error;
}

// A token server and a registry in one: /token gives token N, and the registry takes the last one.
class TokenRegistry {
 public:
  explicit TokenRegistry(std::string answer_end = R"("expires_in":300)")
      : answer_end_(std::move(answer_end)),
        server_([this](const ServerRequest& request, ServerConnection& connection) {
          Serve(request, connection);
        }) {}

  const HttpServer& server() const { return server_; }
  void Expire() { ++num_expired_; }
  void set_token_name(const std::string& name) { token_name_ = name; }

 private:
  void Serve(const ServerRequest& request, ServerConnection& connection) {
    if (request.target.starts_with("/token")) {
      return connection.Answer(200, "",
                               "{\"" + token_name_ + "\":\"secret-token-" +
                                   std::to_string(++num_tokens_) + "\"," + answer_end_ + "}");
    }
    const int good = num_tokens_;
    if (num_expired_ > 0 ||
        request.header("authorization") != "Bearer secret-token-" + std::to_string(good)) {
      num_expired_ = 0;
      return connection.Answer(401,
                               "WWW-Authenticate: Bearer realm=\"" + server_.url("/token?a=b") +
                                   "\",service=\"reg x\",scope=\"repository:team/app:pull\"\r\n",
                               "");
    }
    connection.Answer(200, "", kAnyManifest);
  }

  std::string answer_end_;
  std::string token_name_ = "token";
  std::atomic<int> num_tokens_ = 0;
  std::atomic<int> num_expired_ = 0;
  HttpServer server_;
};

TEST_CASE("A registry that asks Basic gets the credentials", "[io][registry]") {
  FakeClock clock;
  const HttpServer server([](const ServerRequest& request, ServerConnection& connection) {
    if (request.header("authorization") == kUserHeader) {
      return connection.Answer(200, "", kAnyManifest);
    }
    connection.Answer(401, "WWW-Authenticate: Basic realm=\"r\"\r\n",
                      R"({"errors":[{"code":"UNAUTHORIZED","message":"you sent )" +
                          request.header("authorization") + R"("}]})");
  });
  RegistryClient client(server.host(), WithUser(clock));
  CHECK(client.GetManifest("team/app", "1"));
  CHECK(client.GetManifest("team/app", "2"));
  CHECK(server.requests().size() == 3);  // asked once

  RegistryClient anonymous(server.host(), OptionsFor(clock));
  CHECK(GetError(server, anonymous) ==
        "http://HOST/v2/team/app/manifests/1: expected a manifest, found status 401 Unauthorized "
        "(\"UNAUTHORIZED: you sent \"); it was asked without credentials, give others with --creds "
        "or skopeo login");
  RegistryOptions options = OptionsFor(clock);
  options.credentials = {.creds = "user:wrong-one"};
  RegistryClient wrong(server.host(), options);
  const std::string error = GetError(server, wrong);
  CHECK(error.find("wrong-one") == std::string::npos);
  CHECK(
      error.ends_with("401 Unauthorized (its words are not shown, they hold a secret); it was "
                      "asked with the credentials of --creds, give others with --creds or skopeo "
                      "login"));
}

TEST_CASE("A token is asked for once, and again before it expires or after a 401",
          "[io][registry]") {
  for (const char* const name : {"token", "access_token"}) {
    FakeClock clock;
    TokenRegistry registry;
    registry.set_token_name(name);
    RegistryClient client(registry.server().host(), WithUser(clock));
    CHECK(client.GetManifest("team/app", "1"));
    CHECK(client.GetManifest("team/app", "2"));
    CHECK(registry.server().requests().size() == 4);  // 401, token, 1, 2
    const ServerRequest asked = registry.server().requests()[1];
    CHECK(asked.method == "GET");
    CHECK(asked.target == "/token?a=b&service=reg+x&scope=repository%3ateam%2fapp%3apull");
    CHECK(asked.header("authorization") == kUserHeader);
    clock.Advance(seconds(291));  // of 300
    CHECK(client.GetManifest("team/app", "3"));
    CHECK(registry.server().CountOf("/token") == 2);
    CHECK(registry.server().requests().size() == 6);
    registry.Expire();
    CHECK(client.GetManifest("team/app", "4"));
    CHECK(registry.server().CountOf("/token") == 3);
    CHECK(client.counts().of(RequestKind::kToken) == 3);
  }
  FakeClock clock;
  TokenRegistry brief("\"x\":0");  // 60 s when nothing is said
  RegistryClient client(brief.server().host(), OptionsFor(clock));
  CHECK(client.GetManifest("team/app", "1"));
  clock.Advance(seconds(45));
  CHECK(client.GetManifest("team/app", "2"));
  CHECK(brief.server().CountOf("/token") == 1);
  clock.Advance(seconds(10));
  CHECK(client.GetManifest("team/app", "3"));
  CHECK(brief.server().CountOf("/token") == 2);
  CHECK(brief.server().requests()[1].header("authorization").empty());
}

TEST_CASE("Threads that need one token ask for it once", "[io][registry]") {
  FakeClock clock;
  TokenRegistry registry;
  RegistryClient client(registry.server().host(), OptionsFor(clock));
  CHECK(client.GetManifest("team/app", "first"));
  clock.Advance(seconds(1000));
  std::atomic<int> num_right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) num_right += client.GetManifest("team/app", "1").has_value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(num_right == 40);
  CHECK(registry.server().CountOf("/token") == 2);
  CHECK(registry.server().requests().size() == 3 + 1 + 40);
}

TEST_CASE("An identity token is posted, and not a password", "[io][registry]") {
  const TemporaryDirectory directory;
  FakeClock clock;
  TokenRegistry registry;
  RegistryOptions options = OptionsFor(clock);
  options.credentials = {
      .auth_file = directory.Write("auth.json", R"({"auths":{")" + registry.server().host() +
                                                    R"(":{"identitytoken":"very hidden&x"}}})")};
  RegistryClient client(registry.server().host(), options);
  CHECK(client.GetManifest("team/app", "1"));
  const ServerRequest asked = registry.server().requests()[1];
  CHECK(asked.method == "POST");
  CHECK(asked.target == "/token?a=b");
  CHECK(asked.header("authorization").empty());
  CHECK(asked.header("content-type") == "application/x-www-form-urlencoded");
  CHECK(asked.body ==
        "scope=repository%3ateam%2fapp%3apull&grant_type=refresh_token&service=reg+x&"
        "client_id=gneiss&refresh_token=very+hidden%26x");
}

TEST_CASE("A token server that does not give one is named", "[io][registry]") {
  FakeClock clock;
  const auto error_of = [&](int status, const std::string& body) {
    const HttpServer* self = nullptr;
    const HttpServer server([&](const ServerRequest& request, ServerConnection& connection) {
      if (request.target.starts_with("/token")) return connection.Answer(status, "", body);
      connection.Answer(401, "WWW-Authenticate: Bearer realm=\"" + self->url("/token") + "\"\r\n",
                        "");
    });
    self = &server;
    RegistryClient client(server.host(), WithUser(clock));
    return GetError(server, client);
  };
  const std::string expected =
      "http://HOST/token: expected a token for \"repository:team/app:pull\", found ";
  CHECK(error_of(401, R"({"details":"incorrect username or password"})") ==
        expected +
            "status 401 Unauthorized (\"incorrect username or password\"); it was asked with "
            "the credentials of --creds, give others with --creds or skopeo login");
  CHECK(error_of(200, "{}") == expected + "something else");
  CHECK(error_of(200, "<html>") ==
        expected + "a web page; is it a registry, or a login page before it?");
  CHECK(error_of(200, R"({"token":"a\r\nX: y"})") == expected + "something else");
  CHECK(error_of(200, R"({"token":5})") == expected + "something else");
  CHECK(error_of(500, "user:hidden") ==
        expected + "status 500 Internal Server Error; it is the server's fault, try again later");
}

TEST_CASE("A token that is refused is not asked for over and over", "[io][registry]") {
  FakeClock clock;
  const HttpServer* self = nullptr;
  const HttpServer server([&](const ServerRequest& request, ServerConnection& connection) {
    if (request.target.starts_with("/token")) {
      return connection.Answer(200, "", R"({"token":"given-token"})");
    }
    connection.Answer(401, "WWW-Authenticate: Bearer realm=\"" + self->url("/token") + "\"\r\n",
                      R"({"errors":[{"code":"DENIED","message":"not with given-token"}]})");
  });
  self = &server;
  RegistryClient client(server.host(), OptionsFor(clock));
  const std::string error = GetError(server, client);
  CHECK(error.find("given-token") == std::string::npos);
  CHECK(error.find("found status 401") != std::string::npos);
  CHECK(server.requests().size() == 3);
}

TEST_CASE("A redirect to another host goes without Authorization", "[io][registry]") {
  FakeClock clock;
  const std::string content = "content";
  const std::string digest = FormatDigest(Sha256(content));
  const HttpServer storage([&](const ServerRequest& request, ServerConnection& connection) {
    if (!request.header("authorization").empty()) return connection.Answer(400, "", "");
    if (request.target.starts_with("/denied")) {
      return connection.Answer(401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
    }
    connection.Answer(200, "", content);
  });
  std::string target = storage.url("/blob?Signature=hidden-signature");
  const HttpServer registry([&](const ServerRequest& request, ServerConnection& connection) {
    if (request.header("authorization") != kUserHeader) {
      return connection.Answer(401, "WWW-Authenticate: Basic realm=\"r\"\r\n", "");
    }
    if (request.target == "/same") return connection.Answer(200, "", content);
    connection.Answer(307, "Location: " + target + "\r\n", "moved");
  });
  RegistryClient client(registry.host(), WithUser(clock));
  const auto get = [&] { return client.GetBlob("team/app", digest, 7, 100); };
  const auto error = [&](const HttpServer& said_by) {
    return ErrorOf(said_by, [&] { static_cast<void>(get()); });
  };
  CHECK(get() == content);
  CHECK(ReadAll(*client.OpenBlob("team/app", digest, 7)) == content);
  CHECK(storage.requests().size() == 2);
  CHECK(storage.requests()[0].target == "/blob?Signature=hidden-signature");

  target = "/same";
  CHECK(get() == content);
  target = storage.url("/denied?Signature=hidden-signature");
  CHECK(error(storage).starts_with("http://HOST/denied: expected a blob, found status 401"));
  CHECK(storage.requests().size() == 3);
  target = "ftp://x/y";
  CHECK(error(registry).ends_with("redirected to what is no http or https URL"));
  target = "http://user:hidden@127.0.0.1/";
  CHECK(error(registry).ends_with("redirected to what is no http or https URL"));
  target = "/v2/team/app/blobs/" + digest;
  const std::size_t before = registry.requests().size();
  CHECK(error(registry).ends_with("redirected more than 10 times"));
  CHECK(registry.requests().size() == before + 11);
}

TEST_CASE("Foreign layers are asked for without credentials", "[io][registry]") {
  FakeClock clock;
  const HttpServer foreign([](const ServerRequest&, ServerConnection& connection) {
    connection.Answer(401, "WWW-Authenticate: Basic realm=\"r\"\r\n", "");
  });
  RegistryClient client(foreign.host(), WithUser(clock));
  const auto source = client.OpenForeignBlob(foreign.url("/layer?x=y"), 5);
  CHECK(ErrorOf(foreign, [&] { ReadAll(*source); }) ==
        "http://HOST/layer: expected a foreign layer, found status 401 Unauthorized; it is asked "
        "without credentials, as it is no place of the registry");
  CHECK(foreign.requests().size() == 1);
  CHECK(foreign.requests()[0].header("authorization").empty());
  CHECK_THROWS_AS(client.OpenForeignBlob("file:///etc/passwd", 5), InputError);
}

TEST_CASE("Plain http is for loopback, unless it is asked for", "[io][registry]") {
  FakeClock clock;
  HttpClient http({.clock = &clock});
  CHECK_THROWS_WITH(http.Open({.url = *HttpUrl::Parse("http://registry.invalid/v2/")}),
                    "plain http is only for loopback hosts, unless --plain-http allows it");
  CHECK(http.counts().total() == 0);
  // A server on loopback that does not speak TLS is found out.
  const HttpServer plain([](const ServerRequest&, ServerConnection& connection) {
    connection.Answer(200, "", kAnyManifest);
  });
  RegistryOptions options = OptionsFor(clock);
  options.plain_http = std::nullopt;
  RegistryClient client(plain.host(), options);
  CHECK(client.GetManifest("team/app", "1"));
  CHECK(client.GetManifest("team/app", "2"));
  CHECK(client.counts().of(RequestKind::kPing) == 2);
  options.plain_http = false;
  RegistryClient strict(plain.host(), options);
  CHECK_THROWS_WITH(
      strict.GetManifest("team/app", "1"),
      Catch::StartsWith("https://" + plain.host() + "/v2/team/app/manifests/1") &&
          Catch::EndsWith("; a registry without TLS takes --plain-http, one with an authority of "
                          "its own --cacert"));
}

TEST_CASE("TLS with an authority of one's own, and with client certificates", "[io][registry]") {
  FakeClock clock;
  const TemporaryDirectory directory;
  const TestAuthority authority;
  const TestAuthority other;
  const std::string cacert = directory.Write("ca.pem", authority.certificate());
  const HttpServer server(
      [](const ServerRequest&, ServerConnection& connection) {
        connection.Answer(200, "", kAnyManifest);
      },
      &authority);
  RegistryOptions options = OptionsFor(clock);
  options.plain_http = std::nullopt;
  options.retry.retries = 0;
  const auto error_of = [&](const HttpServer& asked) {
    RegistryClient client(asked.host(), options);
    return GetError(asked, client);
  };
  CHECK(error_of(server).ends_with("; give the authority of its certificate with --cacert"));
  CHECK(server.requests().empty());
  options.http.cacert = cacert;
  CHECK(error_of(server) == "none");
  options.http.cacert = directory.Write("other.pem", other.certificate());
  CHECK(error_of(server).ends_with(
      "; a registry without TLS takes --plain-http, one with an authority of its own --cacert"));
  options.http.cacert = directory.path("absent.pem");
  CHECK(error_of(server).ends_with("; look at the files of --cacert, --cert and --key"));

  const HttpServer wants_client(
      [](const ServerRequest&, ServerConnection& connection) {
        connection.Answer(200, "", kAnyManifest);
      },
      &authority, true);
  options.http.cacert = cacert;
  CHECK(error_of(wants_client) != "none");
  CHECK(wants_client.requests().empty());
  options.http.cert = directory.Write("client.pem", authority.leaf());
  CHECK(error_of(wants_client) == "none");
  // Not to whom that server sends us.
  const HttpServer redirects(
      [&](const ServerRequest&, ServerConnection& connection) {
        connection.Answer(307, "Location: " + wants_client.url("/blob") + "\r\n", "");
      },
      &authority);
  const std::size_t num_before = wants_client.requests().size();
  CHECK(error_of(redirects) != "none");
  CHECK(wants_client.requests().size() == num_before);
  options.http.key = options.http.cert;
  CHECK(error_of(wants_client) == "none");
  options.http.key = directory.path("absent.pem");
  CHECK(error_of(wants_client).ends_with("; look at the files of --cacert, --cert and --key"));
}

TEST_CASE("A blob that is cut within TLS is taken up again", "[io][registry]") {
  FakeClock clock;
  const TemporaryDirectory directory;
  const TestAuthority authority;
  const std::string blob(1'000'000, 'b');
  const HttpServer server(
      [&](const ServerRequest& request, ServerConnection& connection) {
        if (request.header("range").empty()) {
          connection.Send("HTTP/1.1 200 X\r\nContent-Length: 1000000\r\n\r\n" +
                          blob.substr(0, 400'000));
          return connection.Close();
        }
        const std::string first = request.header("range").substr(6);  // "bytes=N-"
        const std::string rest = blob.substr(std::stoul(first));
        connection.Send("HTTP/1.1 206 X\r\nContent-Length: " + std::to_string(rest.size()) +
                        "\r\nContent-Range: bytes " + first + "999999/1000000\r\n\r\n" + rest);
      },
      &authority);
  RegistryOptions options = OptionsFor(clock);
  options.plain_http = std::nullopt;
  options.http.cacert = directory.Write("ca.pem", authority.certificate());
  RegistryClient client(server.host(), options);
  CHECK(ReadAll(*client.OpenBlob("app", FormatDigest(Sha256(blob)), 1'000'000)) == blob);
  CHECK(server.CountOf("/v2/app/blobs/") == 2);
}

TEST_CASE("From https nothing leads to plain http", "[io][registry]") {
  FakeClock clock;
  const TemporaryDirectory directory;
  const TestAuthority authority;
  const HttpServer plain([](const ServerRequest&, ServerConnection& connection) {
    connection.Answer(200, "", R"({"token":"t"})");
  });
  std::atomic<bool> asks_for_token = false;
  const HttpServer server(
      [&](const ServerRequest&, ServerConnection& connection) {
        if (asks_for_token) {
          return connection.Answer(
              401, "WWW-Authenticate: Bearer realm=\"" + plain.url("/token?x=hidden") + "\"\r\n",
              "");
        }
        connection.Answer(302, "Location: " + plain.url("/blob?x=hidden") + "\r\n", "");
      },
      &authority);
  RegistryOptions options = WithUser(clock);
  options.plain_http = std::nullopt;
  options.http.cacert = directory.Write("ca.pem", authority.certificate());
  RegistryClient client(server.host(), options);
  CHECK(GetError(server, client) ==
        "https://HOST/v2/team/app/manifests/1: expected a manifest, found no answer to use: "
        "redirected from https to plain http, " +
            plain.url("/blob"));
  asks_for_token = true;
  CHECK(
      GetError(server, client) ==
      "https://HOST/v2/team/app/manifests/1: expected a token server that is safe to ask, found " +
          plain.url("/token") + ": it is plain http, and the registry is https");
  CHECK(plain.requests().empty());
}

TEST_CASE("Credentials are not sent to another host over plain http", "[io][registry]") {
  FakeClock clock;
  const HttpServer server([](const ServerRequest&, ServerConnection& connection) {
    connection.Answer(401, "WWW-Authenticate: Bearer realm=\"http://auth.invalid/token\"\r\n", "");
  });
  RegistryClient client(server.host(), WithUser(clock));
  CHECK(GetError(server, client) ==
        "http://HOST/v2/team/app/manifests/1: expected a token server that is safe to ask, found "
        "http://auth.invalid/token: credentials are not sent to another host over plain http");
}

}  // namespace
}  // namespace gneiss
