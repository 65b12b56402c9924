#include "io/registry/retry.h"

#include <algorithm>
#include <cstdint>
#include <random>

#include "io/registry/http_message.h"

namespace gneiss {
namespace {

// From 0 to `limit`. Of each thread its own, so that clients that failed together come back apart.
std::chrono::milliseconds Jitter(std::chrono::milliseconds limit) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(
      0, std::max<std::int64_t>(limit.count(), 0))(random));
}

}  // namespace

bool IsPassingStatus(int status) {
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

bool Backoff::WaitAfterFault() { return Wait(std::nullopt); }

bool Backoff::WaitAfterStatus(const HttpHeaders& headers) {
  const std::optional<std::string_view> value = headers.Find("retry-after");
  if (!value) return Wait(std::nullopt);
  const std::optional<std::chrono::seconds> asked =
      ParseRetryAfter(*value, http_.clock().UnixSeconds());
  if (!asked) return Wait(std::nullopt);
  return Wait(*asked);
}

bool Backoff::Wait(std::optional<std::chrono::milliseconds> asked) {
  if (num_failures_ >= options_.retries) return false;
  if (asked && *asked > options_.max_retry_after) return false;
  constexpr int kMaxDoublings = 20;
  const std::chrono::milliseconds limit =
      std::min(options_.max_wait,
               options_.base_wait * (std::int64_t{1} << std::min(num_failures_, kMaxDoublings)));
  ++num_failures_;
  http_.CountRetry();
  // Never before the server wants it, and not all at the same moment then.
  http_.Wait(asked.value_or(std::chrono::milliseconds(0)) +
             Jitter(asked ? std::min(limit, options_.base_wait) : limit));
  return true;
}

HttpStream OpenPatiently(HttpClient& http, const HttpRequest& request, Backoff& backoff) {
  while (true) {
    try {
      HttpStream answer = http.Open(request);
      if (!IsPassingStatus(answer.status()) || !backoff.WaitAfterStatus(answer.headers())) {
        return answer;
      }
    } catch (const HttpError& error) {
      if (!error.is_passing() || !backoff.WaitAfterFault()) throw;
    }
  }
}

HttpResponse FetchPatiently(HttpClient& http, const HttpRequest& request, std::size_t max_bytes,
                            const RetryOptions& options) {
  Backoff backoff(http, options);
  while (true) {
    HttpStream answer = OpenPatiently(http, request, backoff);
    try {
      return answer.ReadRest(max_bytes);
    } catch (const HttpError& error) {
      if (!error.is_passing() || !backoff.WaitAfterFault()) throw;
    }
  }
}

}  // namespace gneiss
