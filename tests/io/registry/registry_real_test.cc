// The client at a real registry, which registry_client_test.sh starts and fills; it says in the
// environment where that is and what it holds.
#include <cstdlib>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "io/bytes/sha256_stream.h"
#include "io/registry/registry_client.h"
#include "io/source/manifest.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

// Empty when it is not there.
std::string FromEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

RegistryOptions RealOptions() {
  RegistryOptions options;
  options.http.cacert = FromEnvironment("GNEISS_REGISTRY_CACERT");
  options.credentials.auth_file = FromEnvironment("GNEISS_REGISTRY_AUTH");
  options.credentials.anonymous = options.credentials.auth_file.empty();
  return options;
}

TEST_CASE("A real registry is read, verified and paged", "[.][real_registry]") {
  const std::string host = FromEnvironment("GNEISS_REGISTRY");
  REQUIRE_FALSE(host.empty());
  RegistryOptions options = RealOptions();
  options.page_names = 2;
  RegistryClient client(host, options);
  client.Ping();
  const NameList repositories = client.ListRepositories();
  CHECK(repositories.names == std::vector<std::string>{"app", "other", "team/app"});
  CHECK(repositories.num_refused == 0);
  CHECK(client.ListTags("app")->names == std::vector<std::string>{"1", "2", "3"});
  CHECK_FALSE(client.ListTags("absent"));
  CHECK_FALSE(client.HeadManifest("app", "absent"));
  CHECK_FALSE(client.GetManifest("app", "absent"));
  for (const std::string& repository : repositories.names) {
    const auto head = client.HeadManifest(repository, "1");
    REQUIRE(head);
    const auto fetched = client.GetManifest(repository, head->digest_text);
    REQUIRE(fetched);
    CHECK(fetched->media_type == head->media_type);
    CHECK(static_cast<Bytes>(fetched->text.size()) == head->size);
    CHECK(client.GetManifest(repository, "1")->digest_text == head->digest_text);
    const Manifest manifest = ParseManifest(fetched->text);
    CHECK(client.GetBlob(repository, manifest.config->digest_text, manifest.config->size,
                         kMaxManifestBytes) == "{}\n");
    REQUIRE(manifest.layers.size() == 1);
    const Descriptor& layer = manifest.layers.front();
    CHECK(HashSource(*client.OpenBlob(repository, layer.digest_text, layer.size), {}).digest ==
          layer.digest.digest);
  }
  CHECK(client.counts().retries == 0);
}

TEST_CASE("A real registry that asks for credentials does not take others",
          "[.][real_registry_auth]") {
  RegistryOptions options = RealOptions();
  options.credentials = {.creds = "me:wrong"};
  RegistryClient client(FromEnvironment("GNEISS_REGISTRY"), options);
  CHECK_THROWS_WITH(
      client.ListTags("app"),
      Catch::EndsWith("expected a list of tags, found status 401 Unauthorized (\"UNAUTHORIZED: "
                      "authentication required\"); it was asked with the credentials of --creds, "
                      "give others with --creds or skopeo login"));
}

}  // namespace
}  // namespace gneiss
