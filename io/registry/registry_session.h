// Requests to one registry: where it is, with its Authorization, tried again, and what it means
// when it does not give what was asked. The client asks its questions through it, blobs their
// parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "io/registry/credentials.h"
#include "io/registry/http_client.h"
#include "io/registry/registry_auth.h"
#include "io/registry/registry_error.h"
#include "io/registry/retry.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

// All that a registry's client can be told.

struct RegistryOptions {
  HttpOptions http;  // clock and is_moot hold for waits of every kind
  RetryOptions retry;
  CredentialOptions credentials;
  // http instead of https. nullopt: https, but for a loopback host that does not speak TLS.
  std::optional<bool> plain_http;
  std::int64_t max_pages = 100'000;    // of one list
  std::int64_t max_names = 5'000'000;  // of one list
  std::int64_t page_names = 1000;      // asked for at once
};

struct RegistryRequest {
  HttpMethod method = HttpMethod::kGet;
  HttpUrl url;
  RequestKind kind = RequestKind::kPing;
  std::vector<std::string> headers = {};
  AuthScope scope = {};
  bool is_foreign = false;    // not of the registry, which never sees our credentials
  std::string expected = {};  // noun of messages: "a manifest"
};

// Thread-safe.
class RegistrySession {
 public:
  // As RegistryClient.
  RegistrySession(const std::string& host, RegistryOptions options);

  // Any status but 401 that stays, 403 and those that are passing: for these, and for faults, once
  // retries are used up, throws InputError.
  [[nodiscard]] HttpStream Open(const RegistryRequest& request, Backoff& backoff);
  // The same with its body of at most `max_bytes`; one that is cut short is asked for again.
  [[nodiscard]] HttpResponse Fetch(const RegistryRequest& request, std::size_t max_bytes);

  // For an answer of another status than the caller can use. Reads its body.
  [[nodiscard]] InputError StatusError(const RegistryRequest& request, HttpStream& answer);
  [[nodiscard]] InputError StatusError(const RegistryRequest& request, const HttpResponse& answer);

  // The registry's URL of "/v2/...". May ask a loopback host first whether it speaks TLS. Throws
  // InputError.
  [[nodiscard]] HttpUrl UrlOf(const std::string& path);

  HttpClient& http() { return http_; }
  const RegistryOptions& options() const { return options_; }

 private:
  HttpUrl FindBase();
  bool IsPlainRegistry(const HttpUrl& https, const HttpUrl& http);

  RegistryOptions options_;
  std::string host_;
  HttpClient http_;
  RegistryAuth auth_;
  std::mutex mutex_;
  std::optional<HttpUrl> base_;
};

}  // namespace gneiss
