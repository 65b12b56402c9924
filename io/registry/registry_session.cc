#include "io/registry/registry_session.h"

#include <string_view>
#include <utility>

#include "io/registry/registry_reference.h"

namespace gneiss {
namespace {

constexpr std::size_t kMaxErrorBytes = std::size_t{64} << 10;

// Clock and is_moot are given once, for all.
HttpOptions HttpOptionsOf(const RegistryOptions& options) {
  HttpOptions http = options.http;
  if (options.plain_http.value_or(false)) http.allow_plain_http = true;
  return http;
}

CredentialOptions CredentialOptionsOf(const RegistryOptions& options) {
  CredentialOptions credentials = options.credentials;
  if (!credentials.is_moot) credentials.is_moot = options.http.is_moot;
  return credentials;
}

}  // namespace

RegistrySession::RegistrySession(const std::string& host, RegistryOptions options)
    : options_(std::move(options)),
      host_(host),
      http_(HttpOptionsOf(options_)),
      auth_(host, http_, options_.retry, CredentialOptionsOf(options_)) {}

HttpUrl RegistrySession::FindBase() {
  const std::string place = ApiHost(host_) + "/v2/";
  const std::optional<HttpUrl> https = HttpUrl::Parse("https://" + place);
  const std::optional<HttpUrl> http = HttpUrl::Parse("http://" + place);
  if (!https || !http) {
    throw InputError(host_, "", "expected HOST or HOST:PORT of a registry");
  }
  if (options_.plain_http.value_or(false)) return *http;
  if (options_.plain_http || !https->IsLoopback()) return *https;
  return IsPlainRegistry(*https, *http) ? *http : *https;
}

// Not for whatever goes wrong with TLS, but where there is none and a registry answers without.
bool RegistrySession::IsPlainRegistry(const HttpUrl& https, const HttpUrl& http) {
  try {
    http_.Open({.url = https, .kind = RequestKind::kPing}).Discard();
    return false;
  } catch (const HttpError& error) {
    // What else is wrong is said to whoever asks next.
    if (error.fault() != HttpFault::kTls && error.fault() != HttpFault::kCut) return false;
  }
  try {
    HttpStream answer = http_.Open({.url = http, .kind = RequestKind::kPing});
    answer.Discard();
    return answer.status() == 200 || answer.status() == 401;
  } catch (const HttpError&) {
    return false;
  }
}

HttpUrl RegistrySession::UrlOf(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (!base_) base_ = FindBase();
  const std::optional<HttpUrl> url = base_->Resolve(path);
  if (!url) throw InputError(base_->Shown(), "", "expected a path, found " + path);
  return *url;
}

HttpStream RegistrySession::Open(const RegistryRequest& request, Backoff& backoff) {
  HttpRequest http{.method = request.method,
                   .url = request.url,
                   .kind = request.kind,
                   .headers = request.headers,
                   .shows_certificate = !request.is_foreign};
  try {
    bool has_learned = false;
    while (true) {
      if (!request.is_foreign) http.authorization = auth_.Header(request.scope);
      HttpStream answer = OpenPatiently(http_, http, backoff);
      // A challenge of the storage that a registry redirects to is none of ours.
      if (answer.status() == 401 && !request.is_foreign && !has_learned &&
          answer.url().HasOriginOf(request.url) &&
          auth_.Learn(request.scope, request.url, answer.headers(), http.authorization)) {
        has_learned = true;
        answer.Discard();
        continue;
      }
      if (answer.status() == 401 || answer.status() == 403 || IsPassingStatus(answer.status())) {
        throw StatusError(request, answer);
      }
      return answer;
    }
  } catch (const HttpError& error) {
    throw MakeFaultError(error, request.expected);
  }
}

HttpResponse RegistrySession::Fetch(const RegistryRequest& request, std::size_t max_bytes) {
  Backoff backoff(http_, options_.retry);
  while (true) {
    HttpStream answer = Open(request, backoff);
    try {
      return answer.ReadRest(max_bytes);
    } catch (const HttpError& error) {
      if (!error.is_passing() || !backoff.WaitAfterFault()) {
        throw MakeFaultError(error, request.expected);
      }
    }
  }
}

InputError RegistrySession::StatusError(const RegistryRequest& request, HttpStream& answer) {
  HttpResponse whole{.status = answer.status(), .url = answer.url(), .headers = answer.headers()};
  try {
    whole = answer.ReadRest(kMaxErrorBytes);
  } catch (const HttpError&) {
    // The status says enough.
  }
  return StatusError(request, whole);
}

InputError RegistrySession::StatusError(const RegistryRequest& request,
                                        const HttpResponse& answer) {
  if (request.is_foreign) {
    return MakeStatusError(answer, {.expected = request.expected});
  }
  return MakeStatusError(answer,
                         {.expected = request.expected,
                          .access = DescribeCredentials(auth_.CredentialsFor(request.scope)),
                          .secrets = auth_.SecretsOf(request.scope)});
}

}  // namespace gneiss
