// What the Authorization of a request to one registry is: learned from its challenges (RFC 9110,
// 11), answered with credentials or tokens.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "io/registry/credentials.h"
#include "io/registry/http_client.h"
#include "io/registry/http_message.h"
#include "io/registry/retry.h"

namespace gneiss {

// Tokens of a registry's token server (Docker's token authentication; OAuth 2 for identity tokens),
// kept until shortly before they expire.

struct TokenRequest {
  HttpUrl realm;
  std::string service;
  std::string scope;  // several with blanks between them; may be empty
};

// Thread-safe: of several threads that need the same token one asks for it.
class BearerTokens {
 public:
  // Both outlive this.
  BearerTokens(HttpClient& http, const RetryOptions& retry) : http_(http), retry_(retry) {}

  // A token that is good for some seconds at least. Throws InputError with the realm as source,
  // naming the scope and where the credentials are from; RequestAbandoned.
  [[nodiscard]] std::string Get(const TokenRequest& request, const Credentials& credentials);
  // `token` was refused: forgets it if it is still the one that is kept.
  void Forget(const TokenRequest& request, const std::string& token);
  // The one that is kept, empty when there is none; asks nobody.
  [[nodiscard]] std::string Peek(const TokenRequest& request);

 private:
  struct Kept {
    std::mutex mutex;
    std::string token;
    RegistryClock::Time good_until;
  };

  Kept& Find(const TokenRequest& request);
  void Fetch(const TokenRequest& request, const Credentials& credentials, Kept& kept);

  HttpClient& http_;
  const RetryOptions& retry_;
  std::mutex mutex_;
  std::map<std::tuple<std::string, std::string, std::string>, std::unique_ptr<Kept>> kept_;
};

// What a request touches: which credentials are for it, and the scope of its token.
struct AuthScope {
  std::string repository;  // empty: none
  std::string scope;       // "repository:NAME:pull", "registry:catalog:*", empty
};

// Thread-safe.
class RegistryAuth {
 public:
  // `host` is what users call the registry; `http` and `retry` outlive this.
  RegistryAuth(std::string host, HttpClient& http, const RetryOptions& retry,
               CredentialOptions credentials);

  // Value of Authorization, empty while the registry has asked for none. Throws what
  // CredentialStore and BearerTokens throw.
  [[nodiscard]] std::string Header(const AuthScope& scope);
  // After a 401 of `url` to a request with the Authorization `sent`: learns from its challenges.
  // Whether Header may now give something better. Throws InputError with `url` as source when the
  // realm must not be asked.
  [[nodiscard]] bool Learn(const AuthScope& scope, const HttpUrl& url, const HttpHeaders& headers,
                           const std::string& sent);

  [[nodiscard]] Credentials CredentialsFor(const AuthScope& scope) {
    return credentials_.Find(host_, scope.repository);
  }
  // What has been sent for it, and no message may repeat.
  [[nodiscard]] std::vector<std::string> SecretsOf(const AuthScope& scope);

 private:
  // How the registry wants to be asked.
  struct Asked {
    std::optional<HttpUrl> realm;  // of its token server; nullopt: Basic
    std::string service;
  };

  std::optional<Asked> asked();
  TokenRequest RequestFor(const Asked& asked, const AuthScope& scope);
  Asked CheckBearer(const AuthChallenge& challenge, const AuthScope& scope, const HttpUrl& url);

  std::string host_;
  CredentialStore credentials_;
  BearerTokens tokens_;
  std::mutex mutex_;
  std::optional<Asked> asked_;                 // nullopt: nothing is known yet
  std::map<std::string, std::string> wanted_;  // scopes that challenges want instead of ours
};

}  // namespace gneiss
