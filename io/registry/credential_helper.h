// docker-credential-NAME: programs that keep credentials for docker, containers-auth.json(5).
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gneiss {

// Letters, digits, '.', '_' and '-', of which it begins with none of the last: part of a program's
// name.
[[nodiscard]] bool IsHelperName(std::string_view name);

struct HelperAnswer {
  std::string user;
  std::string secret;
};

// Runs `docker-credential-NAME get`, found in PATH, without a shell, with `server` on its input.
// nullopt when it has no credentials for that. Throws InputError with the program as source when it
// cannot be run, fails, takes longer than `limit` or answers something else; RequestAbandoned after
// `is_moot`. Never with what it wrote. REQUIRES: IsHelperName(name), SIGPIPE ignored.
[[nodiscard]] std::optional<HelperAnswer> AskCredentialHelper(const std::string& name,
                                                              const std::string& server,
                                                              std::chrono::milliseconds limit,
                                                              const std::function<bool()>& is_moot);

}  // namespace gneiss
