// One live registry over HTTP: OCI distribution spec 1.1 and Docker Registry HTTP API v2, reading
// alone. What it gives is verified where a digest is known; of names it gives only those of valid
// grammar. Knows no fleets.
//
// Errors are InputErrors with the URL as source (without query, user or token): what was expected,
// the status or the reason why there is no answer, the registry's own words, what to try.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/bytes/byte_source.h"
#include "io/registry/http_client.h"
#include "io/registry/registry_session.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

// Lists of a registry, which come page by page (distribution spec 1.1, "Listing Tags"): from Link
// to Link, to their end.

class RegistrySession;
struct RegistryRequest;

// Each once and sorted: registries list tags in an order that differs from one day to the next.
struct NameList {
  std::vector<std::string> names;
  std::int64_t num_refused = 0;  // left out: not of the spec's grammar
  std::string first_refused;     // of them the least, as the registry has it
};

// The names in member `key` of each page from that of `first` on; what `is_name` does not accept is
// refused. nullopt when there is no first page (404). Throws InputError: what
// RegistrySession::Fetch throws, when a page is something else, when a Link leads to another host
// or to a page that was read before, and past max_pages or max_names of RegistryOptions.
[[nodiscard]] std::optional<NameList> ListNames(RegistrySession& session,
                                                const RegistryRequest& first, std::string_view key,
                                                bool (*is_name)(std::string_view));

struct ManifestHead {
  std::string digest_text;  // ParseDigest accepts it; empty when the registry does not say
  Bytes size;               // kUnknownSize when it does not say
  std::string media_type;
};

struct FetchedManifest {
  std::string text;
  std::string digest_text;  // what was asked for, or the sha256 of `text`
  std::string media_type;   // of the answer; `text` may say another
};

class RegistrySession;

// Thread-safe; how many requests run at once is how many threads call. All may throw InputError
// and, once options.http.is_moot says so, RequestAbandoned.
// REQUIRES of arguments: `repository` that IsRepositoryName accepts, `reference` that IsTagName or
// ParseDigest accept, `digest_text` that ParseDigest accepts. REQUIRES: SIGPIPE is ignored.
class RegistryClient {
 public:
  // Asks nothing yet. `host` is HOST[:PORT] as users write it, "docker.io" included. REQUIRES:
  // IsHostAndPort(host).
  RegistryClient(std::string host, RegistryOptions options);
  RegistryClient(const RegistryClient&) = delete;
  RegistryClient& operator=(const RegistryClient&) = delete;
  ~RegistryClient();

  // Whether a registry answers there that knows us; otherwise throws.
  void Ping();

  // All repositories that the registry shows us. Requests: one per page.
  [[nodiscard]] NameList ListRepositories();
  // nullopt when there is no such repository, as also registries say of one without tags.
  [[nodiscard]] std::optional<NameList> ListTags(const std::string& repository);

  // One request each; nullopt when there is no such manifest.
  [[nodiscard]] std::optional<ManifestHead> HeadManifest(const std::string& repository,
                                                         const std::string& reference);
  // At most kMaxManifestBytes. Of a digest: verified, unless ParsedDigest::verifiable is false. Of
  // a tag: the digest is computed, and must be the one that the registry claims.
  [[nodiscard]] std::optional<FetchedManifest> GetManifest(const std::string& repository,
                                                           const std::string& reference);
  // A whole blob of `size` bytes, at most `max_bytes`, verified as above; nullopt when it is not
  // there. For configs.
  [[nodiscard]] std::optional<std::string> GetBlob(const std::string& repository,
                                                   const std::string& digest_text, Bytes size,
                                                   std::size_t max_bytes);

  // A blob as it comes, in bounded memory. It is not asked for before the first Read; a connection
  // that breaks or stalls is made again for the rest. Read gives exactly `size` bytes or throws
  // InputError, past the first byte with place "byte N", also when there is no such blob. Not
  // verified: the scan holds it against its digest, as for layouts. stored_size() is `size`. May
  // outlive this client. REQUIRES: 0 <= size.
  [[nodiscard]] std::unique_ptr<ByteSource> OpenBlob(const std::string& repository,
                                                     const std::string& digest_text, Bytes size);
  // The same of a foreign layer, from one of its `urls`: no credentials, whatever that host asks.
  // Throws InputError when `url` is no http or https URL.
  [[nodiscard]] std::unique_ptr<ByteSource> OpenForeignBlob(std::string_view url, Bytes size);

  // Since construction.
  [[nodiscard]] RequestCounts counts() const;
  const std::string& host() const { return host_; }

 private:
  std::string host_;
  std::shared_ptr<RegistrySession> session_;
};

}  // namespace gneiss
