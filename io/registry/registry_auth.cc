#include "io/registry/registry_auth.h"

#include <algorithm>
#include <utility>

#include "io/json/json_value.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
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
