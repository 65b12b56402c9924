// A request of HTTP and its answer as values, and what can go wrong between them. Untrusted where
// it is an answer's.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/registry/http_url.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

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
