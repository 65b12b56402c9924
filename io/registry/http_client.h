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
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/registry/http_url.h"
#include "io/registry/registry_clock.h"
#include "planner/bytes.h"

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

// What a request is for, to count it.
enum class RequestKind { kPing, kCatalogue, kTags, kManifestHead, kManifest, kBlob, kToken };
inline constexpr std::size_t kNumRequestKinds = 7;

// Requests sent, those that were redirected, refused or tried again included, by RequestKind.
struct RequestCounts {
  std::array<std::int64_t, kNumRequestKinds> requests{};
  std::int64_t retries = 0;
  std::int64_t body_bytes = 0;  // received

  std::int64_t of(RequestKind kind) const { return requests[static_cast<std::size_t>(kind)]; }
  std::int64_t total() const;
};

enum class HttpMethod { kGet, kHead, kPost };

struct HttpRequest {
  HttpMethod method = HttpMethod::kGet;
  HttpUrl url;
  RequestKind kind = RequestKind::kPing;
  // "Accept: a/b". REQUIRES: no control characters.
  std::vector<std::string> headers = {};
  // Value of Authorization, empty for none. Sent to the origin of `url` alone: a redirect to
  // another host, port or scheme goes on without. REQUIRES: no control characters.
  std::string authorization = {};
  // Whether whoever asks for the client's certificate gets it; to that origin alone, too.
  bool shows_certificate = true;
  std::string form = {};  // of kPost, urlencoded
};

class HttpHeaders {
 public:
  // REQUIRES of both: `name` in lower case. The first value, without blanks around it.
  std::optional<std::string_view> Find(std::string_view name) const;
  std::vector<std::string_view> FindAll(std::string_view name) const;
  // A whole number, nullopt when absent or anything else.
  std::optional<Bytes> ContentLength() const;

  void Add(std::string_view line);
  void Clear() { fields_.clear(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;  // names in lower case
};

enum class HttpFault {
  kUnknownHost,
  kConnect,      // refused, unreachable
  kTimeout,      // no connection, or no byte, in time
  kCut,          // the connection ended before the answer did
  kCertificate,  // the server's
  kTls,
  kClientFile,  // cacert, cert or key cannot be used
  kRedirect,    // not followed, and why
  kTooLarge,
  kOther,
};

// No answer, or no whole one. what() is the reason, one line without the URL.
class HttpError : public std::runtime_error {
 public:
  HttpError(HttpFault fault, HttpUrl url, const std::string& reason)
      : std::runtime_error(reason), fault_(fault), url_(std::move(url)) {}

  HttpFault fault() const { return fault_; }
  const HttpUrl& url() const { return url_; }
  // Whether the same request may succeed later.
  bool is_passing() const {
    return fault_ == HttpFault::kConnect || fault_ == HttpFault::kTimeout ||
           fault_ == HttpFault::kCut;
  }

 private:
  HttpFault fault_;
  HttpUrl url_;
};

struct HttpResponse {
  int status = 0;
  HttpUrl url;  // that answered, after redirects
  HttpHeaders headers;
  std::string body;
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
// REQUIRES: SIGPIPE is ignored (io/cli/interrupt.h).
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
