#include "io/registry/registry_auth.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "io/json/json_value.h"
#include "io/registry/registry_error.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::size_t kMaxTokenAnswerBytes = std::size_t{256} << 10;
constexpr std::chrono::seconds kDefaultLife{60};  // of the protocol
constexpr std::chrono::seconds kMaxLife{24 * 3600};
constexpr std::chrono::seconds kRenewBefore{10};

// It becomes part of a header.
bool IsSendable(std::string_view token) {
  return std::ranges::all_of(token, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::chrono::seconds LifeOf(const JsonValue& answer) {
  const JsonValue* const value = answer.Find("expires_in");
  if (value == nullptr) return kDefaultLife;
  if (const auto* const seconds = std::get_if<std::int64_t>(&value->variant())) {
    return std::chrono::seconds(
        std::clamp<std::int64_t>(*seconds, 0, std::chrono::seconds(kMaxLife).count()));
  }
  return kDefaultLife;
}

// "a b" as one parameter for each, as the protocol has them.
HttpUrl WithScopes(HttpUrl url, std::string_view scopes) {
  while (!scopes.empty()) {
    const std::size_t blank = std::min(scopes.find(' '), scopes.size());
    if (blank > 0) url = std::move(url).WithQuery("scope", scopes.substr(0, blank));
    scopes.remove_prefix(std::min(blank + 1, scopes.size()));
  }
  return url;
}

// OAuth 2 with a refresh token for those who have one, otherwise a plain GET.
HttpRequest MakeTokenRequest(const TokenRequest& request, const Credentials& credentials) {
  HttpRequest http{.url = request.realm, .kind = RequestKind::kToken};
  if (!credentials.identity_token.empty()) {
    // A query escapes as a form does.
    const HttpUrl form = WithScopes(*HttpUrl::Parse("http://form/"), request.scope)
                             .WithQuery("grant_type", "refresh_token")
                             .WithQuery("service", request.service)
                             .WithQuery("client_id", "gneiss")
                             .WithQuery("refresh_token", credentials.identity_token);
    http.method = HttpMethod::kPost;
    http.form = form.text().substr(form.text().find('?') + 1);
    return http;
  }
  if (!request.service.empty()) http.url = http.url.WithQuery("service", request.service);
  http.url = WithScopes(http.url, request.scope);
  http.authorization = credentials.BasicHeader();
  return http;
}

}  // namespace

BearerTokens::Kept& BearerTokens::Find(const TokenRequest& request) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Kept>& kept = kept_[{request.realm.text(), request.service, request.scope}];
  if (kept == nullptr) kept = std::make_unique<Kept>();
  return *kept;
}

std::string BearerTokens::Get(const TokenRequest& request, const Credentials& credentials) {
  Kept& kept = Find(request);
  const std::lock_guard lock(kept.mutex);
  if (kept.token.empty() || http_.clock().Now() >= kept.good_until) {
    Fetch(request, credentials, kept);
  }
  return kept.token;
}

void BearerTokens::Forget(const TokenRequest& request, const std::string& token) {
  Kept& kept = Find(request);
  const std::lock_guard lock(kept.mutex);
  if (kept.token == token) kept.token.clear();
}

std::string BearerTokens::Peek(const TokenRequest& request) {
  Kept& kept = Find(request);
  const std::lock_guard lock(kept.mutex);
  return kept.token;
}

void BearerTokens::Fetch(const TokenRequest& request, const Credentials& credentials, Kept& kept) {
  kept.token.clear();
  const std::string expected =
      request.scope.empty() ? std::string("a token") : "a token for " + Quote(request.scope);
  const std::string access = DescribeCredentials(credentials);
  const HttpRequest http = MakeTokenRequest(request, credentials);
  // The server's clock starts before its answer is here.
  const RegistryClock::Time asked_at = http_.clock().Now();
  try {
    const HttpResponse answer = FetchPatiently(http_, http, kMaxTokenAnswerBytes, retry_);
    if (answer.status != 200) {
      throw MakeStatusError(answer, {.expected = expected,
                                     .access = access,
                                     .secrets = {credentials.password, credentials.identity_token,
                                                 http.authorization}});
    }
    JsonDocument document;
    try {
      document = ParseJson(answer.body);
    } catch (const InputError&) {
      throw MakeContentError(answer, expected);
    }
    std::string token(document.root.FindText("token"));
    if (token.empty()) token = document.root.FindText("access_token");
    if (token.empty() || !IsSendable(token)) throw MakeContentError(answer, expected);
    const std::chrono::seconds life = LifeOf(document.root);
    kept.token = std::move(token);
    kept.good_until = asked_at + life - std::min(kRenewBefore, life / 4);
  } catch (const HttpError& error) {
    throw MakeFaultError(error, expected);
  }
}

namespace {

constexpr std::string_view kBearerPrefix = "Bearer ";
constexpr std::size_t kMaxScopeBytes = 4096;

}  // namespace

RegistryAuth::RegistryAuth(std::string host, HttpClient& http, const RetryOptions& retry,
                           CredentialOptions credentials)
    : host_(std::move(host)), credentials_(std::move(credentials)), tokens_(http, retry) {}

std::optional<RegistryAuth::Asked> RegistryAuth::asked() {
  const std::lock_guard lock(mutex_);
  return asked_;
}

TokenRequest RegistryAuth::RequestFor(const Asked& asked, const AuthScope& scope) {
  const std::lock_guard lock(mutex_);
  const auto wanted = wanted_.find(scope.scope);
  return {.realm = *asked.realm,
          .service = asked.service,
          .scope = wanted == wanted_.end() ? scope.scope : wanted->second};
}

std::string RegistryAuth::Header(const AuthScope& scope) {
  const std::optional<Asked> asked = this->asked();
  if (!asked) return {};
  const Credentials credentials = CredentialsFor(scope);
  if (!asked->realm) return credentials.BasicHeader();
  return std::string(kBearerPrefix) + tokens_.Get(RequestFor(*asked, scope), credentials);
}

// Docker asks a realm on any host, with the credentials of the registry: that is the protocol. What
// it must not do is to show them to whoever listens.
RegistryAuth::Asked RegistryAuth::CheckBearer(const AuthChallenge& challenge,
                                              const AuthScope& scope, const HttpUrl& url) {
  const std::string_view realm = challenge.Find("realm");
  const std::optional<HttpUrl> parsed = HttpUrl::Parse(realm);
  const auto refuse = [&](const std::string& why) {
    throw InputError(url.Shown(), "",
                     "expected a token server that is safe to ask, found " +
                         (parsed ? parsed->Shown() : Quote(realm)) + ": " + why);
  };
  if (!parsed) refuse("it is no http or https URL");
  if (!parsed->is_https() && url.is_https()) {
    refuse("it is plain http, and the registry is https");
  }
  if (!parsed->is_https() && !parsed->IsLoopback() && !parsed->HasOriginOf(url) &&
      !CredentialsFor(scope).is_anonymous()) {
    refuse("credentials are not sent to another host over plain http");
  }
  return {.realm = parsed, .service = std::string(challenge.Find("service"))};
}

bool RegistryAuth::Learn(const AuthScope& scope, const HttpUrl& url, const HttpHeaders& headers,
                         const std::string& sent) {
  std::optional<AuthChallenge> bearer;
  bool is_basic = false;
  for (const std::string_view value : headers.FindAll("www-authenticate")) {
    for (AuthChallenge& challenge : ParseChallenges(value)) {
      if (challenge.scheme == "basic") is_basic = true;
      if (challenge.scheme == "bearer" && !bearer) bearer = std::move(challenge);
    }
  }
  if (!bearer) {
    if (!is_basic || CredentialsFor(scope).BasicHeader() == sent) return false;
    const std::lock_guard lock(mutex_);
    asked_ = Asked{};
    return true;
  }
  const Asked asked = CheckBearer(*bearer, scope, url);
  if (sent.starts_with(kBearerPrefix)) {
    tokens_.Forget(RequestFor(asked, scope), sent.substr(kBearerPrefix.size()));
  }
  const std::lock_guard lock(mutex_);
  asked_ = asked;
  const std::string_view wanted = bearer->Find("scope");
  if (!wanted.empty() && wanted != scope.scope && wanted.size() <= kMaxScopeBytes) {
    wanted_[scope.scope] = wanted;
  }
  return true;
}

std::vector<std::string> RegistryAuth::SecretsOf(const AuthScope& scope) {
  const Credentials credentials = CredentialsFor(scope);
  std::vector<std::string> secrets = {credentials.password, credentials.identity_token,
                                      credentials.BasicHeader()};
  const std::optional<Asked> asked = this->asked();
  if (asked && asked->realm) secrets.push_back(tokens_.Peek(RequestFor(*asked, scope)));
  return secrets;
}

}  // namespace gneiss
