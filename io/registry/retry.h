// Trying again: after which answers, how often, and how long to wait before it. Exponential backoff
// with full jitter; Retry-After where the server says it.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "io/registry/http_client.h"

namespace gneiss {

struct RetryOptions {
  int retries = 5;                             // of one request, after the first attempt
  std::chrono::milliseconds base_wait{500};    // at most so long before the first, then doubled
  std::chrono::milliseconds max_wait{30'000};  // without Retry-After
  std::chrono::milliseconds max_retry_after{120'000};  // asked to wait longer, it is given up
};

// 429, 500, 502, 503, 504.
[[nodiscard]] bool IsPassingStatus(int status);

// The attempts at one request.
class Backoff {
 public:
  Backoff(HttpClient& http, const RetryOptions& options) : http_(http), options_(options) {}

  // Whether to try again, after having waited for it. Counts a retry when it is so. Throws
  // RequestAbandoned.
  bool WaitAfterFault();
  bool WaitAfterStatus(const HttpHeaders& headers);

  // The attempts so far went well: what follows has all retries again.
  void Reset() { num_failures_ = 0; }
  int num_failures() const { return num_failures_; }

 private:
  bool Wait(std::optional<std::chrono::milliseconds> asked);

  HttpClient& http_;
  const RetryOptions& options_;
  int num_failures_ = 0;
};

// HttpClient::Open, without and with the body, tried again after passing faults and statuses. The
// last answer or fault is the caller's, whatever it is.
[[nodiscard]] HttpStream OpenPatiently(HttpClient& http, const HttpRequest& request,
                                       Backoff& backoff);
[[nodiscard]] HttpResponse FetchPatiently(HttpClient& http, const HttpRequest& request,
                                          std::size_t max_bytes, const RetryOptions& options);

}  // namespace gneiss
