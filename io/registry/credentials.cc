#include "io/registry/credentials.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include <openssl/evp.h>

#include "io/bytes/byte_source.h"
#include "io/registry/credential_helper.h"
#include "io/tables/record_lines.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet.h"

namespace gneiss {
namespace {

constexpr std::size_t kMaxAuthFileBytes = std::size_t{4} << 20;
constexpr std::chrono::seconds kHelperLimit{30};
constexpr std::string_view kIdentityUser = "<token>";

std::string EncodeBase64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

// nullopt when `text` is not base64, padded or not.
std::optional<std::string> DecodeBase64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  const bool is_valid = text.size() % 4 != 1 && std::ranges::all_of(text, [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                 (c >= '0' && c <= '9') || c == '+' || c == '/';
                        });
  if (!is_valid) return std::nullopt;
  std::string padded(text);
  padded.resize((text.size() + 3) / 4 * 4, '=');
  std::string bytes(padded.size() / 4 * 3 + 1, '\0');
  if (EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(padded.data()),
                      static_cast<int>(padded.size())) < 0) {
    return std::nullopt;
  }
  bytes.resize(text.size() * 3 / 4);
  return bytes;
}

// "https://HOST/v1/", as docker writes keys, as HOST; others as they are.
std::string KeyName(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!key.starts_with(scheme)) continue;
    key.remove_prefix(scheme.size());
    key = key.substr(0, key.find('/'));
  }
  while (key.ends_with('/')) key.remove_suffix(1);
  if (key == "index.docker.io" || key == "registry-1.docker.io") return "docker.io";
  return std::string(key);
}

// What a helper, and a key of docker's own, call it.
std::string ServerName(const std::string& host) {
  return host == "docker.io" ? "https://index.docker.io/v1/" : host;
}

// Whether a key is HOST/REPOSITORY or a leading part of it.
bool IsKeyOf(std::string_view key, std::string_view host, std::string_view repository) {
  if (key == host) return true;
  if (key.size() <= host.size() || !key.starts_with(host) || key[host.size()] != '/') return false;
  key.remove_prefix(host.size() + 1);
  return repository.starts_with(key) &&
         (repository.size() == key.size() || repository[key.size()] == '/');
}

// Links are followed, as people keep such files elsewhere. Null when nothing is there and nobody
// asked for this one.
std::unique_ptr<ByteSource> OpenAuthFile(const std::string& path, bool is_given) {
  std::error_code ignored;
  if (!is_given && !std::filesystem::exists(path, ignored)) return nullptr;
  return OpenFile(path, "a file of credentials");
}

const JsonValue* ObjectMember(const JsonValue& root, std::string_view key,
                              const std::string& path) {
  const JsonValue* const member = root.Find(key);
  if (member == nullptr || member->kind() == JsonKind::kNull) return nullptr;
  if (member->kind() != JsonKind::kObject) {
    throw InputError(path, "", "expected an object as " + std::string(key) + ", found else");
  }
  return member;
}

// An entry of `auths`; anonymous when it says nothing, as docker writes it beside credsStore.
Credentials ParseEntry(const JsonValue& entry, std::string_view key, const std::string& path) {
  Credentials found{.origin = path};
  found.identity_token = entry.FindText("identitytoken");
  const std::string_view auth = entry.FindText("auth");
  if (auth.empty()) {
    found.user = entry.FindText("username");
    found.password = entry.FindText("password");
    return found;
  }
  const std::optional<std::string> pair = DecodeBase64(auth);
  const std::size_t colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) {
    throw InputError(path, "",
                     "expected base64 of USER:PASSWORD as auth of " + Quote(key) +
                         ", found else; log in again with skopeo login or docker login");
  }
  found.user = pair->substr(0, colon);
  found.password = pair->substr(colon + 1);
  // Docker pads with zeros.
  found.password.erase(found.password.find_last_not_of('\0') + 1);
  return found;
}

}  // namespace

std::string Credentials::BasicHeader() const {
  return user.empty() ? std::string() : "Basic " + EncodeBase64(user + ":" + password);
}

std::vector<std::string> FindAuthFiles(const std::function<const char*(const char*)>& get) {
  const auto value_of = [&](const char* name) {
    const char* const value = get(name);
    return value == nullptr ? std::string() : std::string(value);
  };
  if (const std::string file = value_of("REGISTRY_AUTH_FILE"); !file.empty()) return {file};
  std::vector<std::string> files;
  const std::string home = value_of("HOME");
  const auto add = [&](const std::string& directory, const std::string& below_home,
                       const std::string& name) {
    if (!directory.empty()) {
      files.push_back(directory + name);
    } else if (!home.empty() && !below_home.empty()) {
      files.push_back(home + below_home + name);
    }
  };
  add(value_of("XDG_RUNTIME_DIR"), "", "/containers/auth.json");
  add(value_of("XDG_CONFIG_HOME"), "/.config", "/containers/auth.json");
  add(value_of("DOCKER_CONFIG"), "/.docker", "/config.json");
  return files;
}

CredentialStore::CredentialStore(CredentialOptions options) : options_(std::move(options)) {}

Credentials CredentialStore::Find(const std::string& host, const std::string& repository) {
  if (options_.anonymous) return {};
  if (!options_.creds.empty()) {
    const std::size_t colon = std::min(options_.creds.find(':'), options_.creds.size());
    return {.user = options_.creds.substr(0, colon),
            .password = options_.creds.substr(std::min(colon + 1, options_.creds.size())),
            .origin = "--creds"};
  }
  const std::lock_guard lock(mutex_);
  if (!are_files_read_) ReadFiles();
  for (const AuthFile& file : files_) {
    if (std::optional<Credentials> found = FindIn(file, host, repository)) return *found;
  }
  return {};
}

void CredentialStore::ReadFiles() {
  const bool is_given = !options_.auth_file.empty();
  const std::vector<std::string> paths =
      is_given ? std::vector{options_.auth_file}
               : FindAuthFiles([](const char* name) { return std::getenv(name); });
  std::vector<AuthFile> files;
  for (const std::string& path : paths) {
    const std::unique_ptr<ByteSource> file = OpenAuthFile(path, is_given);
    if (file == nullptr) continue;
    std::string text;
    WithPath(path, [&] { text = ReadText(*file, "a file of credentials", kMaxAuthFileBytes); });
    try {
      files.push_back({.path = path, .root = ParseJson(text).root});
    } catch (const InputError& error) {
      // Not its words: they quote what may be a secret.
      throw InputError(path, error.place(), "expected JSON, as skopeo login writes it, found else");
    }
    if (files.back().root.kind() != JsonKind::kObject) {
      throw InputError(path, "", "expected a JSON object, as skopeo login writes it, found else");
    }
  }
  files_ = std::move(files);
  are_files_read_ = true;
}

std::optional<Credentials> CredentialStore::FindIn(const AuthFile& file, const std::string& host,
                                                   const std::string& repository) {
  if (const JsonValue* const helpers = ObjectMember(file.root, "credHelpers", file.path)) {
    for (const auto& [key, name] : helpers->members()) {
      if (KeyName(key) != host) continue;
      if (auto found = AskHelper(file, name, ServerName(host))) return found;
    }
  }
  if (const JsonValue* const auths = ObjectMember(file.root, "auths", file.path)) {
    const JsonValue* best = nullptr;
    std::string best_key;
    for (const auto& [key, entry] : auths->members()) {
      const std::string name = KeyName(key);
      if (!IsKeyOf(name, host, repository) || name.size() < best_key.size()) continue;
      best = &entry;
      best_key = name;
    }
    if (best != nullptr) {
      Credentials found = ParseEntry(*best, best_key, file.path);
      if (!found.is_anonymous()) return found;
    }
  }
  if (const JsonValue* const name = file.root.Find("credsStore")) {
    return AskHelper(file, *name, ServerName(host));
  }
  return std::nullopt;
}

std::optional<Credentials> CredentialStore::AskHelper(const AuthFile& file, const JsonValue& name,
                                                      const std::string& server) {
  if (name.kind() != JsonKind::kText || !IsHelperName(name.text())) {
    throw InputError(file.path, "",
                     "expected the NAME of a program docker-credential-NAME as credential helper, "
                     "found " +
                         (name.kind() == JsonKind::kText ? Quote(name.text()) : "else"));
  }
  const std::string helper(name.text());
  const auto [place, is_new] = helper_answers_.try_emplace(helper + " " + server);
  if (!is_new) return place->second;
  try {
    if (const auto answer = AskCredentialHelper(helper, server, kHelperLimit, options_.is_moot)) {
      Credentials found{.origin = "docker-credential-" + helper};
      if (answer->user == kIdentityUser) {
        found.identity_token = answer->secret;
      } else {
        found.user = answer->user;
        found.password = answer->secret;
      }
      place->second = std::move(found);
    }
  } catch (...) {
    helper_answers_.erase(place);
    throw;
  }
  return place->second;
}

}  // namespace gneiss
