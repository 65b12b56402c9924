// Names of images in registries, as containers-transports(5) has them for docker://, and the
// grammar of their parts (OCI distribution spec 1.1, "Pulling manifests"). Asks no registry.
#pragma once

#include <string>
#include <string_view>

namespace gneiss {

struct RegistryReference {
  std::string host;         // "docker.io", "localhost:5000": as users write it
  std::string repository;   // "library/nginx"
  std::string tag;          // empty when not given; what that means is the reader's affair
  std::string digest_text;  // instead of a tag; ParseDigest accepts it

  // "HOST/REPO", "HOST/REPO:TAG" or "HOST/REPO@DIGEST".
  std::string text() const;
};

// "[HOST[:PORT]/]REPO[:TAG|@DIGEST]", without "docker://". The first part is a host when it has a
// '.' or a ':' or is "localhost"; otherwise the host is docker.io, where a repository of one part
// is below library/. Throws InputError with `text` as source.
[[nodiscard]] RegistryReference ParseRegistryReference(std::string_view text);

struct RegistryPlace {
  std::string host;
  std::string prefix;  // of repositories, whole parts of them; may be empty
};

// "HOST[:PORT][/PREFIX]", without "registry://". Throws InputError with `text` as source.
[[nodiscard]] RegistryPlace ParseRegistryPlace(std::string_view text);

// Whether a repository is `prefix` or below it; "team" is no prefix of "teams/app".
[[nodiscard]] bool IsRepositoryBelow(std::string_view repository, std::string_view prefix);

// Where the registry that users call `host` answers: registry-1.docker.io for docker.io.
[[nodiscard]] std::string ApiHost(std::string_view host);

// HOST[:PORT]: a name, an IPv4 address or an IPv6 address in brackets.
[[nodiscard]] bool IsHostAndPort(std::string_view text);

}  // namespace gneiss
