#include "io/registry/credentials.h"

#include <signal.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "io/registry/credential_helper.h"
#include "io/registry/registry_clock.h"
#include "planner/fleet/bytes.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

// "dXNlcjpwYXNz" is user:pass.
class AuthFiles {
 public:
  // Credentials of a repository in a file of that content.
  Credentials Find(const std::string& content, const std::string& host,
                   const std::string& repository = "") {
    CredentialStore store({.auth_file = directory_.Write("auth.json", content)});
    return store.Find(host, repository);
  }
  std::string ErrorOf(const std::string& content, const std::string& host = "h.x") {
    try {
      static_cast<void>(Find(content, host));
    } catch (const InputError& error) {
      CHECK(error.source().find("auth.json") != std::string::npos);
      return error.problem();
    }
    return "none";
  }
  std::string path() const { return directory_.path("auth.json"); }

 private:
  TemporaryDirectory directory_;
};

// Programs docker-credential-NAME in PATH while it lives.
class HelperPrograms {
 public:
  HelperPrograms() : path_(std::getenv("PATH")) {
    signal(SIGPIPE, SIG_IGN);  // as the program does
    setenv("PATH", (directory_.path() + ":" + path_).c_str(), 1);
  }
  ~HelperPrograms() { setenv("PATH", path_.c_str(), 1); }
  void Add(const std::string& name, const std::string& script) {
    const std::string file =
        directory_.Write("docker-credential-" + name, "#!/bin/sh\n" + script + "\n");
    chmod(file.c_str(), 0755);
  }
  std::string path(const std::string& name) const { return directory_.path(name); }

 private:
  TemporaryDirectory directory_;
  std::string path_;
};

std::optional<HelperAnswer> Ask(const std::string& name) {
  return AskCredentialHelper(name, "h.x", std::chrono::seconds(60), {});
}

std::string HelperError(const std::string& name,
                        std::chrono::milliseconds limit = std::chrono::seconds(60)) {
  try {
    static_cast<void>(AskCredentialHelper(name, "h.x", limit, {}));
  } catch (const InputError& error) {
    return error.what();
  }
  return "none";
}

TEST_CASE("Given credentials win, and may have no password", "[io][registry]") {
  CredentialStore given({.creds = "me:a:b", .auth_file = "/nowhere"});
  CHECK(given.Find("h.x", "r").user == "me");
  CHECK(given.Find("h.x", "r").password == "a:b");
  CHECK(given.Find("h.x", "r").origin == "--creds");
  CHECK(given.Find("h.x", "r").BasicHeader() == "Basic bWU6YTpi");
  CredentialStore user({.creds = "me"});
  CHECK(user.Find("h.x", "").BasicHeader() == "Basic bWU6");
  CredentialStore anonymous({.anonymous = true, .creds = "me:x"});
  CHECK(anonymous.Find("h.x", "").is_anonymous());
  CHECK(anonymous.Find("h.x", "").BasicHeader().empty());
}

TEST_CASE("The longest key of a file wins", "[io][registry]") {
  AuthFiles files;
  const std::string content = R"({"auths": {
    "h.x": {"auth": "dXNlcjpwYXNz"},
    "h.x/team": {"auth": "dGVhbTp4"},
    "h.x/team/app": {"auth": "YXBwOnk="},
    "https://other.x:5000/v1/": {"auth": "b3RoZXI6eg=="},
    "https://index.docker.io/v1/": {"auth": "aHViOnE="}}})";
  CHECK(files.Find(content, "h.x").user == "user");
  CHECK(files.Find(content, "h.x").password == "pass");
  CHECK(files.Find(content, "h.x").origin == files.path());
  CHECK(files.Find(content, "h.x", "else/app").user == "user");
  CHECK(files.Find(content, "h.x", "teams/app").user == "user");
  CHECK(files.Find(content, "h.x", "team/other").user == "team");
  CHECK(files.Find(content, "h.x", "team/app").user == "app");
  CHECK(files.Find(content, "h.x", "team/app/deep").user == "app");
  CHECK(files.Find(content, "other.x:5000").user == "other");
  CHECK(files.Find(content, "docker.io", "library/nginx").user == "hub");
  CHECK(files.Find(content, "h.x.evil", "team/app").is_anonymous());
  CHECK(files.Find(content, "other.x").is_anonymous());
}

TEST_CASE("Entries come in docker's forms", "[io][registry]") {
  AuthFiles files;
  CHECK(files.Find(R"({"auths":{"h.x":{"identitytoken":"t"}}})", "h.x").identity_token == "t");
  CHECK(files.Find(R"({"auths":{"h.x":{"auth":"dXNlcjpwYXNz","identitytoken":"t"}}})", "h.x")
            .identity_token == "t");
  CHECK(files.Find(R"({"auths":{"h.x":{"username":"u","password":"p"}}})", "h.x").password == "p");
  CHECK(files.Find(R"({"auths":{"h.x":{"auth":"dXNlcjpwYXNzAA"}}})", "h.x").password == "pass");
  CHECK(files.Find(R"({"auths":{"h.x":{}}})", "h.x").is_anonymous());
  CHECK(files.Find(R"({})", "h.x").is_anonymous());
  CHECK(files.Find(R"({"auths":null})", "h.x").is_anonymous());
}

TEST_CASE("A bad file is named, without what stands in it", "[io][registry]") {
  AuthFiles files;
  CHECK(files.ErrorOf("secret") == "expected JSON, as skopeo login writes it, found else");
  CHECK(files.ErrorOf("") == "expected JSON, as skopeo login writes it, found else");
  CHECK(files.ErrorOf("[]") == "expected a JSON object, as skopeo login writes it, found else");
  CHECK(files.ErrorOf(R"({"auths":[]})") == "expected an object as auths, found else");
  for (const char* const auth : {"???", "dXNlcg==", "a", "c2VjcmV0"}) {
    CHECK(files.ErrorOf(R"({"auths":{"h.x":{"auth":")" + std::string(auth) + R"("}}})") ==
          "expected base64 of USER:PASSWORD as auth of \"h.x\", found else; log in again with "
          "skopeo login or docker login");
  }
  CHECK(files.ErrorOf(R"({"credsStore":"../../bin/sh"})") ==
        "expected the NAME of a program docker-credential-NAME as credential helper, found "
        "\"../../bin/sh\"");
  CredentialStore endless({.auth_file = "/dev/zero"});
  CHECK_THROWS_WITH(endless.Find("h.x", "r"),
                    "/dev/zero:byte 0: expected a file of credentials, a text, found a NUL byte");
  CredentialStore missing({.auth_file = "/nowhere/auth.json"});
  CHECK_THROWS_WITH(missing.Find("h.x", ""),
                    "/nowhere/auth.json: expected a file of credentials, "
                    "found nothing there");
}

TEST_CASE("The usual files are found by the environment", "[io][registry]") {
  std::map<std::string, std::string> environment = {{"HOME", "/home/me"}};
  const auto find = [&] {
    return FindAuthFiles([&](const char* name) -> const char* {
      const auto found = environment.find(name);
      return found == environment.end() ? nullptr : found->second.c_str();
    });
  };
  CHECK(find() == std::vector<std::string>{"/home/me/.config/containers/auth.json",
                                           "/home/me/.docker/config.json"});
  environment["XDG_RUNTIME_DIR"] = "/run/user/1";
  environment["DOCKER_CONFIG"] = "/etc/docker-me";
  CHECK(find() == std::vector<std::string>{"/run/user/1/containers/auth.json",
                                           "/home/me/.config/containers/auth.json",
                                           "/etc/docker-me/config.json"});
  environment["REGISTRY_AUTH_FILE"] = "/a/b";
  CHECK(find() == std::vector<std::string>{"/a/b"});
  environment.clear();
  CHECK(find().empty());
}

TEST_CASE("Helpers are asked once for each host", "[io][registry]") {
  HelperPrograms programs;
  AuthFiles files;
  programs.Add("mine", "read host; echo \"$1 $host\" >>" + programs.path("calls") +
                           "\necho '{\"ServerURL\":\"x\",\"Username\":\"u\",\"Secret\":\"s\"}'");
  programs.Add("tokens", "cat >/dev/null; echo '{\"Username\":\"<token>\",\"Secret\":\"it\"}'");
  programs.Add("empty", "echo 'credentials not found in native keychain'; exit 1");
  const std::string content =
      R"({"credHelpers":{"h.x":"mine","t.x":"tokens"},"credsStore":"empty",
          "auths":{"other.x":{},"kept.x":{"auth":"dXNlcjpwYXNz"}}})";
  CredentialStore store(
      {.auth_file = (static_cast<void>(files.Find(content, "kept.x")), files.path())});
  for (int i = 0; i < 3; ++i) {
    CHECK(store.Find("h.x", "a").user == "u");
    CHECK(store.Find("h.x", "b").password == "s");
  }
  CHECK(store.Find("h.x", "a").origin == "docker-credential-mine");
  CHECK(store.Find("t.x", "").identity_token == "it");
  CHECK(store.Find("t.x", "").user.empty());
  CHECK(store.Find("kept.x", "").user == "user");
  CHECK(store.Find("other.x", "").is_anonymous());
  std::ifstream calls(programs.path("calls"));
  CHECK(std::string(std::istreambuf_iterator<char>(calls), {}) == "get h.x\n");
}

TEST_CASE("A helper that fails is named, without what it wrote", "[io][registry]") {
  HelperPrograms programs;
  programs.Add("fails", "cat >/dev/null; echo secret; echo secret >&2; exit 3");
  programs.Add("says-else", "cat >/dev/null; echo secret");
  programs.Add("floods", "cat >/dev/null; yes secret");
  programs.Add("hangs", "cat >/dev/null; exec sleep 1000");
  programs.Add("deaf", "exec <&-; echo '{\"Username\":\"u\",\"Secret\":\"s\"}'");
  programs.Add("killed", "kill -9 $$");
  CHECK(HelperError("fails") ==
        "docker-credential-fails: failed with status 3; try `echo h.x | docker-credential-fails "
        "get`");
  CHECK(HelperError("says-else") ==
        "docker-credential-says-else: expected JSON with Username and Secret on its output, found "
        "else");
  CHECK(HelperError("floods") ==
        "docker-credential-floods: expected at most 65536 bytes on its output, found more");
  CHECK(HelperError("hangs", std::chrono::milliseconds(1)) ==
        "docker-credential-hangs: did not answer within 0 s; it may wait for a password that "
        "nobody can enter");
  CHECK(HelperError("killed").find("failed with status 137") != std::string::npos);
  CHECK(HelperError("absent-for-sure").find("docker-credential-absent-for-sure: cannot be run") ==
        0);
  CHECK(Ask("deaf")->user == "u");
  CHECK_THROWS_AS(
      AskCredentialHelper("hangs", "h.x", std::chrono::seconds(60), [] { return true; }),
      RequestAbandoned);
}

TEST_CASE("Names of helpers are part of a program's name", "[io][registry]") {
  for (const char* const name : {"pass", "ecr-login", "osxkeychain", "a.b_c", "1"}) {
    CHECK(IsHelperName(name));
  }
  for (const char* const name : {"", "-x", ".x", "../x", "a/b", "a b", "a;b", "$x", "a\n"}) {
    INFO(name);
    CHECK_FALSE(IsHelperName(name));
  }
}

}  // namespace
}  // namespace gneiss
