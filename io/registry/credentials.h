// Who we are to a registry: given, or found where skopeo, podman and docker keep it
// (containers-auth.json(5), docker's config.json). Nothing is ever written there.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/json/json_value.h"

namespace gneiss {

struct Credentials {
  std::string user;
  std::string password;
  std::string identity_token;  // instead of both: for a token server
  std::string origin;          // where they are from, for messages: "--creds", a file, a helper

  bool is_anonymous() const { return user.empty() && identity_token.empty(); }
  // "Basic ..."; empty without a user.
  std::string BasicHeader() const;
};

struct CredentialOptions {
  bool anonymous = false;  // use none
  std::string creds;       // USER[:PASSWORD], empty: looked up in files
  std::string auth_file;   // the only file, which must be there; empty: the usual ones
  std::function<bool()> is_moot;
};

// The files to look at, in that order: ${REGISTRY_AUTH_FILE} alone when set, otherwise
// ${XDG_RUNTIME_DIR}/containers/auth.json, ~/.config/containers/auth.json (${XDG_CONFIG_HOME}) and
// ~/.docker/config.json (${DOCKER_CONFIG}). `get` is getenv.
[[nodiscard]] std::vector<std::string> FindAuthFiles(
    const std::function<const char*(const char*)>& get);

// Thread-safe. Reads each file and asks each helper once.
class CredentialStore {
 public:
  explicit CredentialStore(CredentialOptions options);

  // For a repository, or without one for the registry; `host` is what users call it. Of a file the
  // longest key wins that is HOST/REPOSITORY or a leading part of it. Without credentials anywhere:
  // is_anonymous(). Throws InputError with the file or helper as source when it cannot be used; a
  // file that is not there has nothing. `creds` wins over files, and is for any host.
  [[nodiscard]] Credentials Find(const std::string& host, const std::string& repository);

 private:
  struct AuthFile {
    std::string path;
    JsonValue root;
  };

  void ReadFiles();
  std::optional<Credentials> FindIn(const AuthFile& file, const std::string& host,
                                    const std::string& repository);
  std::optional<Credentials> AskHelper(const AuthFile& file, const JsonValue& name,
                                       const std::string& server);

  CredentialOptions options_;
  std::mutex mutex_;
  bool are_files_read_ = false;
  std::vector<AuthFile> files_;
  std::map<std::string, std::optional<Credentials>> helper_answers_;  // by "NAME SERVER"
};

}  // namespace gneiss
