// HTTP/1.1 by libcurl: one request, its answer streamed or in memory. Follows redirects. Knows no
// registry, does not try again, and has no secret in any message.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "io/registry/http_message.h"
#include "io/registry/registry_clock.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

struct HttpOptions {
  std::string cacert;             // PEM file of authorities that are trusted beside the system's
  std::string cert;               // PEM file of the client's certificate, empty for none
  std::string key;                // PEM file of its key, empty when `cert` holds it
  bool allow_plain_http = false;  // to any host; loopback may be asked over http in any case
  std::chrono::milliseconds connect_timeout{30'000};  // name, connection and TLS
  std::chrono::milliseconds stall_timeout{30'000};    // no byte for so long
  std::chrono::milliseconds whole_timeout{300'000};   // of an answer that is read into memory
  Bytes max_rate = 0;      // of bodies, bytes a second over all threads; 0 for no limit
  std::string user_agent;  // empty: "gneiss/VERSION"
  // Null for SystemRegistryClock(); must outlive whatever takes these options.
  RegistryClock* clock = nullptr;
  // Asked while waiting, from any thread; may be empty. Once it returns true, what waits throws
  // RequestAbandoned.
  std::function<bool()> is_moot;
};

// Requests sent, those that were redirected, refused or tried again included, by RequestKind.
struct RequestCounts {
  std::array<std::int64_t, kNumRequestKinds> requests{};
  std::int64_t retries = 0;
  std::int64_t body_bytes = 0;  // received

  std::int64_t of(RequestKind kind) const { return requests[static_cast<std::size_t>(kind)]; }
  std::int64_t total() const;
};

class HttpTransfer;

// An answer whose body is read as it comes, through a buffer of bounded size. Used by one thread at
// a time; its client outlives it.
class HttpStream {
 public:
  explicit HttpStream(std::unique_ptr<HttpTransfer> transfer);
  HttpStream(HttpStream&&) noexcept;
  HttpStream& operator=(HttpStream&&) noexcept;
  ~HttpStream();  // an answer not read to its end costs its connection

  int status() const;
  const HttpUrl& url() const;  // that answered, after redirects
  const HttpHeaders& headers() const;

  // As ByteSource::Read. Throws HttpError when the body ends early or stalls, RequestAbandoned.
  std::size_t Read(std::span<char> buffer);
  // The answer with the rest of its body. Throws as Read, and HttpError kTooLarge past `max_bytes`.
  [[nodiscard]] HttpResponse ReadRest(std::size_t max_bytes);
  // Reads a short rest, so that the connection is kept; never throws HttpError.
  void Discard();

 private:
  std::unique_ptr<HttpTransfer> transfer_;
};

// Thread-safe. Keeps the connections of requests that ended well, each for the next request.
// REQUIRES: SIGPIPE is ignored (io/bytes/interrupt.h).
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  // Sends a request and waits for the head of its answer; any status is an answer. Of GET and HEAD
  // at most 10 redirects are followed; never from https to http. Throws HttpError,
  // RequestAbandoned.
  [[nodiscard]] HttpStream Open(const HttpRequest& request);

  const HttpOptions& options() const { return options_; }
  RegistryClock& clock() const { return *options_.clock; }
  // Waits by the clock. Throws RequestAbandoned.
  void Wait(std::chrono::milliseconds time) const { clock().Wait(time, options_.is_moot); }

  RequestCounts counts() const;
  void CountRetry() { ++num_retries_; }

 private:
  friend class HttpTransfer;
  struct Handles;

  std::unique_ptr<HttpTransfer> OpenOnce(const HttpRequest& request);
  std::unique_ptr<Handles> TakeHandles();
  void GiveBack(std::unique_ptr<Handles> handles);
  // Waits until `count` more bytes are within max_rate.
  void WaitForRate(std::size_t count);

  HttpOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Handles>> idle_;
  RegistryClock::Time rate_free_at_{};  // when the bytes so far are within max_rate
  std::array<std::atomic<std::int64_t>, kNumRequestKinds> num_requests_{};
  std::atomic<std::int64_t> num_retries_ = 0;
  std::atomic<std::int64_t> num_body_bytes_ = 0;
};

}  // namespace gneiss
