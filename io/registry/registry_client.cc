#include "io/registry/registry_client.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <utility>

#include "io/json/json_value.h"
#include "io/registry/http_message.h"
#include "io/registry/registry_blob.h"
#include "io/registry/registry_error.h"
#include "io/registry/registry_reference.h"
#include "io/registry/registry_session.h"
#include "io/source/manifest.h"
#include "io/source/names.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

// Of a registry that gives all names at once.
constexpr std::size_t kMaxPageBytes = std::size_t{64} << 20;

class NameLister {
 public:
  NameLister(RegistrySession& session, RegistryRequest request, std::string_view key,
             bool (*is_name)(std::string_view))
      : session_(session), request_(std::move(request)), key_(key), is_name_(is_name) {}

  // nullopt when the first page is not there.
  std::optional<NameList> List() {
    SeededSet<std::string> seen_pages = {request_.url.text()};
    for (std::int64_t num_pages = 1;; ++num_pages) {
      const HttpResponse page = session_.Fetch(request_, kMaxPageBytes);
      if (page.status == 404 && num_pages == 1) return std::nullopt;
      if (page.status != 200) throw session_.StatusError(request_, page);
      AddNames(page);
      const std::optional<HttpUrl> next = NextOf(page);
      if (!next) {
        std::ranges::sort(list_.names);
        return std::move(list_);
      }
      if (!seen_pages.insert(next->text()).second) {
        Throw(page, "its Link leads to a page that was read before; the list has no end");
      }
      if (num_pages == session_.options().max_pages) {
        Throw(page, "it has more than " + std::to_string(num_pages) + " pages");
      }
      request_.url = *next;
    }
  }

 private:
  [[noreturn]] void Throw(const HttpResponse& page, const std::string& problem) const {
    throw InputError(page.url.Shown(), "",
                     "expected " + request_.expected + " of an end, but " + problem);
  }

  void AddNames(const HttpResponse& page) {
    JsonDocument document;
    try {
      document = ParseJson(page.body);
    } catch (const InputError&) {
      throw MakeContentError(page, request_.expected);
    }
    const JsonValue* const names = document.root.Find(key_);
    if (names == nullptr ||
        (names->kind() != JsonKind::kArray && names->kind() != JsonKind::kNull)) {
      throw MakeContentError(page, request_.expected);
    }
    if (names->kind() == JsonKind::kNull) return;  // a repository whose tags are all deleted
    for (const JsonValue& name : names->elements()) {
      if (name.kind() != JsonKind::kText) throw MakeContentError(page, request_.expected);
      Add(page, std::string(name.text()));
    }
  }

  void Add(const HttpResponse& page, std::string name) {
    if (!is_name_(name)) {
      if (list_.num_refused++ == 0 || name < list_.first_refused) {
        list_.first_refused = std::move(name);
      }
      return;
    }
    if (!known_.insert(name).second) return;
    if (std::ssize(list_.names) == session_.options().max_names) {
      Throw(page, "it has more than " + std::to_string(session_.options().max_names) + " names");
    }
    list_.names.push_back(std::move(name));
  }

  std::optional<HttpUrl> NextOf(const HttpResponse& page) const {
    for (const std::string_view link : page.headers.FindAll("link")) {
      const std::optional<std::string> target = ParseNextLink(link);
      if (!target) continue;
      const std::optional<HttpUrl> next = page.url.Resolve(*target);
      if (!next) Throw(page, "its Link leads to what is no http or https URL, " + Quote(*target));
      if (!next->HasOriginOf(request_.url)) {
        Throw(page, "its Link leads to another host, " + next->Shown());
      }
      return next;
    }
    return std::nullopt;
  }

  RegistrySession& session_;
  RegistryRequest request_;
  std::string_view key_;
  bool (*is_name_)(std::string_view);
  NameList list_;
  SeededSet<std::string> known_;
};

}  // namespace

std::optional<NameList> ListNames(RegistrySession& session, const RegistryRequest& first,
                                  std::string_view key, bool (*is_name)(std::string_view)) {
  return NameLister(session, first, key, is_name).List();
}

namespace {

constexpr std::size_t kMaxPingBytes = std::size_t{1} << 20;

// What is preferred first: without a list of types some registries convert to schema 1.
constexpr std::string_view kAcceptManifests =
    "Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.5, "
    "application/vnd.docker.distribution.manifest.v1+json;q=0.5";

AuthScope PullScope(const std::string& repository) {
  return {.repository = repository, .scope = "repository:" + repository + ":pull"};
}

RegistryRequest ManifestRequest(RegistrySession& session, HttpMethod method,
                                const std::string& repository, const std::string& reference) {
  assert(IsRepositoryName(repository) && (IsTagName(reference) || ParseDigest(reference)));
  return {.method = method,
          .url = session.UrlOf("/v2/" + repository + "/manifests/" + reference),
          .kind = method == HttpMethod::kHead ? RequestKind::kManifestHead : RequestKind::kManifest,
          .headers = {std::string(kAcceptManifests)},
          .scope = PullScope(repository),
          .expected = "a manifest"};
}

RegistryRequest BlobRequest(RegistrySession& session, const std::string& repository,
                            const std::string& digest_text) {
  assert(IsRepositoryName(repository) && ParseDigest(digest_text));
  return {.url = session.UrlOf("/v2/" + repository + "/blobs/" + digest_text),
          .kind = RequestKind::kBlob,
          .scope = PullScope(repository),
          .expected = "a blob"};
}

// Docker-Content-Digest, empty when there is none. Throws InputError when it is no digest.
std::string ClaimedDigest(const HttpUrl& url, const HttpHeaders& headers) {
  const std::string text(headers.Find("docker-content-digest").value_or(""));
  if (!text.empty() && !ParseDigest(text)) {
    throw InputError(url.Shown(), "",
                     "expected a digest as Docker-Content-Digest, found " + Quote(text));
  }
  return text;
}

// Throws InputError unless `content` is what `digest_text` names. One of another algorithm than
// sha256 is taken at its word.
void ExpectDigest(const HttpUrl& url, std::string_view content, const std::string& digest_text,
                  std::string_view said_by) {
  const std::optional<ParsedDigest> expected = ParseDigest(digest_text);
  if (!expected || !expected->verifiable) return;
  const Digest found = Sha256(content);
  if (found == expected->digest) return;
  throw InputError(url.Shown(), "",
                   "expected content of " + digest_text + ", as " + std::string(said_by) +
                       ", found " + FormatDigest(found));
}

}  // namespace

RegistryClient::RegistryClient(std::string host, RegistryOptions options)
    : host_(std::move(host)),
      session_(std::make_shared<RegistrySession>(host_, std::move(options))) {}

RegistryClient::~RegistryClient() = default;

void RegistryClient::Ping() {
  const RegistryRequest request{.url = session_->UrlOf("/v2/"), .expected = "a registry"};
  const HttpResponse answer = session_->Fetch(request, kMaxPingBytes);
  if (answer.status != 200) throw session_->StatusError(request, answer);
}

NameList RegistryClient::ListRepositories() {
  const RegistryRequest request{
      .url = session_->UrlOf("/v2/_catalog")
                 .WithQuery("n", std::to_string(session_->options().page_names)),
      .kind = RequestKind::kCatalogue,
      .scope = {.scope = "registry:catalog:*"},
      .expected = "a list of repositories"};
  std::optional<NameList> list = ListNames(*session_, request, "repositories", IsRepositoryName);
  if (!list) {
    throw InputError(request.url.Shown(), "",
                     "expected a list of repositories, found status 404; this registry does not "
                     "list them, name them one by one");
  }
  return *std::move(list);
}

std::optional<NameList> RegistryClient::ListTags(const std::string& repository) {
  assert(IsRepositoryName(repository));
  return ListNames(*session_,
                   {.url = session_->UrlOf("/v2/" + repository + "/tags/list")
                               .WithQuery("n", std::to_string(session_->options().page_names)),
                    .kind = RequestKind::kTags,
                    .scope = PullScope(repository),
                    .expected = "a list of tags"},
                   "tags", IsTagName);
}

std::optional<ManifestHead> RegistryClient::HeadManifest(const std::string& repository,
                                                         const std::string& reference) {
  const RegistryRequest request =
      ManifestRequest(*session_, HttpMethod::kHead, repository, reference);
  const HttpResponse answer = session_->Fetch(request, 0);
  if (answer.status == 404) return std::nullopt;
  if (answer.status != 200) throw session_->StatusError(request, answer);
  return ManifestHead{
      .digest_text = ClaimedDigest(answer.url, answer.headers),
      .size = answer.headers.ContentLength().value_or(kUnknownSize),
      .media_type = ParseMediaType(answer.headers.Find("content-type").value_or(""))};
}

std::optional<FetchedManifest> RegistryClient::GetManifest(const std::string& repository,
                                                           const std::string& reference) {
  const RegistryRequest request =
      ManifestRequest(*session_, HttpMethod::kGet, repository, reference);
  HttpResponse answer = session_->Fetch(request, kMaxManifestBytes);
  if (answer.status == 404) return std::nullopt;
  if (answer.status != 200) throw session_->StatusError(request, answer);
  std::string media_type = ParseMediaType(answer.headers.Find("content-type").value_or(""));
  const std::size_t first = answer.body.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || answer.body[first] != '{') {
    throw MakeContentError(answer, request.expected);
  }
  std::string digest_text = reference;
  if (ParseDigest(reference)) {
    ExpectDigest(answer.url, answer.body, reference, "was asked for");
  } else {
    ExpectDigest(answer.url, answer.body, ClaimedDigest(answer.url, answer.headers),
                 "its Docker-Content-Digest says");
    digest_text = FormatDigest(Sha256(answer.body));
  }
  return FetchedManifest{.text = std::move(answer.body),
                         .digest_text = std::move(digest_text),
                         .media_type = std::move(media_type)};
}

std::optional<std::string> RegistryClient::GetBlob(const std::string& repository,
                                                   const std::string& digest_text, Bytes size,
                                                   std::size_t max_bytes) {
  const RegistryRequest request = BlobRequest(*session_, repository, digest_text);
  if (size < 0 || static_cast<std::size_t>(size) > max_bytes) {
    throw InputError(request.url.Shown(), "",
                     "expected at most " + std::to_string(max_bytes) + " bytes, found " +
                         std::to_string(size) + " in its descriptor");
  }
  HttpResponse answer = session_->Fetch(request, max_bytes);
  if (answer.status == 404) return std::nullopt;
  if (answer.status != 200) throw session_->StatusError(request, answer);
  if (std::ssize(answer.body) != size) {
    throw InputError(answer.url.Shown(), "",
                     "expected " + std::to_string(size) + " bytes, as the descriptor says, found " +
                         std::to_string(answer.body.size()));
  }
  ExpectDigest(answer.url, answer.body, digest_text, "the descriptor says");
  return std::move(answer.body);
}

std::unique_ptr<ByteSource> RegistryClient::OpenBlob(const std::string& repository,
                                                     const std::string& digest_text, Bytes size) {
  assert(size >= 0);
  return OpenRegistryBlob(session_, BlobRequest(*session_, repository, digest_text), size);
}

std::unique_ptr<ByteSource> RegistryClient::OpenForeignBlob(std::string_view url, Bytes size) {
  assert(size >= 0);
  const std::optional<HttpUrl> parsed = HttpUrl::Parse(url);
  if (!parsed) {
    throw InputError("", "",
                     "expected an http or https URL of a foreign layer, found " + Quote(url));
  }
  return OpenRegistryBlob(session_,
                          {.url = *parsed,
                           .kind = RequestKind::kBlob,
                           .is_foreign = true,
                           .expected = "a foreign layer"},
                          size);
}

RequestCounts RegistryClient::counts() const { return session_->http().counts(); }

}  // namespace gneiss
