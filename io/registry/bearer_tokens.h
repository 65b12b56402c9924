// Tokens of a registry's token server (Docker's token authentication; OAuth 2 for identity tokens),
// kept until shortly before they expire.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "io/registry/credentials.h"
#include "io/registry/http_client.h"
#include "io/registry/retry.h"

namespace gneiss {

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

}  // namespace gneiss
