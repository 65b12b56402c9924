// A request of HTTP and its answer as values, and what can go wrong between them. Untrusted where
// it is an answer's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "planner/fleet/bytes.h"

namespace gneiss {

// Absolute http and https URLs, parsed by libcurl so that what is checked is what is asked. Without
// user, password and fragment: a URL with the first two is refused.

class HttpUrl {
 public:
  // nullopt when `text` is no such URL.
  static std::optional<HttpUrl> Parse(std::string_view text);

  // `reference`, absolute or relative to this URL; nullopt as in Parse.
  std::optional<HttpUrl> Resolve(std::string_view reference) const;
  // With NAME=VALUE appended to the query, the value escaped; of any length. REQUIRES: `name` needs
  // no escapes.
  HttpUrl WithQuery(std::string_view name, std::string_view value) const&;
  HttpUrl WithQuery(std::string_view name, std::string_view value) &&;

  // As it is asked. May hold secrets in its query, as signed URLs do.
  const std::string& text() const { return text_; }
  // Without the query, printable and of bounded length: for messages.
  std::string Shown() const;

  bool is_https() const { return is_https_; }
  const std::string& host() const { return host_; }
  // Same scheme, host and port: what credentials are for.
  bool HasOriginOf(const HttpUrl& other) const {
    return is_https_ == other.is_https_ && host_ == other.host_ && port_ == other.port_;
  }
  // localhost, 127.0.0.0/8 or [::1]: requests do not leave the machine.
  bool IsLoopback() const;

 private:
  std::string text_;
  std::string path_;
  std::string host_;  // lower case
  std::string port_;  // also where it is the default
  bool is_https_ = false;
};

// Values of the header fields that a registry's answers have: pure functions of untrusted text.

// Retry-After: seconds or an HTTP date, which `unix_now` is taken from; nullopt when it is neither.
// Never negative; a day at most.
[[nodiscard]] std::optional<std::chrono::seconds> ParseRetryAfter(std::string_view value,
                                                                  std::int64_t unix_now);

// Content-Range of a part: "bytes FIRST-LAST/TOTAL".
struct ContentRange {
  Bytes first = 0;
  Bytes last = 0;
  std::optional<Bytes> total;  // nullopt: "*"
};
[[nodiscard]] std::optional<ContentRange> ParseContentRange(std::string_view value);

// The target of rel="next" in a Link field (RFC 8288), as it stands there; nullopt when there is
// none.
[[nodiscard]] std::optional<std::string> ParseNextLink(std::string_view value);

// A challenge of WWW-Authenticate (RFC 9110, 11.6.1). A field may hold several.
struct AuthChallenge {
  std::string scheme;                                           // lower case: "basic", "bearer"
  std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case

  // The first of that name, empty when absent.
  std::string_view Find(std::string_view name) const;
};
// What is damaged ends the list.
[[nodiscard]] std::vector<AuthChallenge> ParseChallenges(std::string_view value);

// A media type without its parameters, in lower case.
[[nodiscard]] std::string ParseMediaType(std::string_view value);

// What a request is for, to count it.
enum class RequestKind { kPing, kCatalogue, kTags, kManifestHead, kManifest, kBlob, kToken };
inline constexpr std::size_t kNumRequestKinds = 7;

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

}  // namespace gneiss
