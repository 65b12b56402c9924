#include "io/registry/registry_reference.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "io/json/json_value.h"
#include "io/source/names.h"
#include "io/source/source.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

namespace gneiss {
namespace {

constexpr std::string_view kDefaultHost = "docker.io";
constexpr std::size_t kMaxHostBytes = 255;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetterOrDigit(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsPort(std::string_view text) {
  if (text.empty() || text.size() > 5 || !std::ranges::all_of(text, IsDigit)) return false;
  const int port = std::stoi(std::string(text));
  return port >= 1 && port <= 65535;
}

bool IsHostName(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    return std::ranges::all_of(text.substr(1, text.size() - 2), [](char c) {
      return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
    });
  }
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (label.empty() || label.front() == '-' || label.back() == '-' ||
        !std::ranges::all_of(label, [](char c) { return IsLetterOrDigit(c) || c == '-'; })) {
      return false;
    }
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// As docker decides it: what could be a part of a repository on docker.io is one.
bool LooksLikeHost(std::string_view first_part) {
  return first_part == "localhost" || first_part.find_first_of(".:") != std::string_view::npos ||
         first_part.starts_with('[');
}

[[noreturn]] void ThrowReference(std::string_view text, const std::string& problem) {
  throw InputError(Quote(ShownSource(text)), "", problem);
}

// Before anything of `text` is shown: people write URLs with their password in them.
[[noreturn]] void ThrowMayHoldPassword(std::string_view text) {
  ThrowReference(text,
                 "expected a host, found something before '@' that may be a password; log in with "
                 "`docker login HOST`, or give a file of credentials with --authfile");
}

void ExpectNoUser(std::string_view text) {
  const std::string shown = ShownSource(text);
  // Without a host behind it, it is a name before something that should be a digest.
  if (shown == text || shown.find('/', shown.find("***@")) == std::string::npos) return;
  ThrowMayHoldPassword(text);
}

void ExpectHost(std::string_view text, std::string_view host) {
  if (IsHostAndPort(host)) return;
  // A user and the start of a password look like a host and a port.
  if (ShownSource(text) != text) ThrowMayHoldPassword(text);
  ThrowReference(text, "expected HOST or HOST:PORT, found " + Quote(host));
}

void ExpectRepository(std::string_view text, std::string_view repository) {
  if (IsRepositoryName(repository)) return;
  if (ShownSource(text) != text) ThrowMayHoldPassword(text);
  ThrowReference(text,
                 "expected a repository, lower-case letters and digits with '.', '_', '-' or '/' "
                 "between them and at most " +
                     std::to_string(kMaxRepositoryName) + " bytes, found " + Quote(repository));
}

}  // namespace

std::string RegistryReference::text() const {
  std::string text = host + "/" + repository;
  if (!tag.empty()) text += ":" + tag;
  if (!digest_text.empty()) text += "@" + digest_text;
  return text;
}

RegistryReference ParseRegistryReference(std::string_view text) {
  ExpectNoUser(text);
  RegistryReference reference;
  std::string_view rest = text;
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos && LooksLikeHost(rest.substr(0, slash))) {
    reference.host = rest.substr(0, slash);
    rest.remove_prefix(slash + 1);
    ExpectHost(text, reference.host);
  } else {
    reference.host = kDefaultHost;
  }
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    reference.digest_text = rest.substr(at + 1);
    rest = rest.substr(0, at);
    if (!ParseDigest(reference.digest_text)) {
      ThrowReference(text,
                     "expected a digest, as sha256: and 64 hexadecimal digits in lower case, "
                     "after '@', found " +
                         Quote(reference.digest_text));
    }
  }
  if (const std::size_t colon = rest.rfind(':'); colon != std::string_view::npos) {
    reference.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    if (!IsTagName(reference.tag)) {
      ThrowReference(text, "expected a tag, letters, digits, '_', '.' and '-' and at most " +
                               std::to_string(kMaxTagName) + " bytes, after ':', found " +
                               Quote(reference.tag));
    }
    if (!reference.digest_text.empty()) {
      ThrowReference(text, "expected a tag or a digest, found both; leave one of them out");
    }
  }
  reference.repository = rest;
  if (reference.host == "index.docker.io") reference.host = kDefaultHost;
  if (reference.host == kDefaultHost && !rest.empty() && rest.find('/') == std::string_view::npos) {
    reference.repository = "library/" + std::string(rest);
  }
  ExpectRepository(text, reference.repository);
  return reference;
}

RegistryPlace ParseRegistryPlace(std::string_view text) {
  if (text.find('@') != std::string_view::npos) ThrowMayHoldPassword(text);
  while (text.ends_with('/')) text.remove_suffix(1);
  const std::size_t slash = text.find('/');
  RegistryPlace place{.host = std::string(text.substr(0, slash)), .prefix = {}};
  ExpectHost(text, place.host);
  if (place.host == "index.docker.io") place.host = kDefaultHost;
  if (slash != std::string_view::npos) {
    place.prefix = text.substr(slash + 1);
    ExpectRepository(text, place.prefix);
  }
  return place;
}

bool IsRepositoryBelow(std::string_view repository, std::string_view prefix) {
  if (prefix.empty()) return true;
  return repository.starts_with(prefix) &&
         (repository.size() == prefix.size() || repository[prefix.size()] == '/');
}

std::string ApiHost(std::string_view host) {
  return host == kDefaultHost ? "registry-1.docker.io" : std::string(host);
}

bool IsHostAndPort(std::string_view text) {
  if (text.size() > kMaxHostBytes) return false;
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos) return IsHostName(text);
  return IsHostName(text.substr(0, colon)) && IsPort(text.substr(colon + 1));
}

}  // namespace gneiss
